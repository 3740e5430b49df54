import type {
  Command,
  Device,
  DeviceDetails,
  DevicePage,
  DeviceTelemetry,
  Health,
  InvocationResult,
  Problem,
  ProblemIssue,
  Service,
} from './resources.ts';

type Fields = Readonly<Record<string, unknown>>;

/** What an answer should have been and is not. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** @throws {ShapeError} when `value` is no page of devices */
export function checkDevicePage(value: unknown): DevicePage {
  const page = checkFields(value, 'the list of devices');
  for (const device of checkList(page['devices'], 'devices')) checkDevice(device);
  checkType(page['total'], 'number', 'total');
  if (page['nextCursor'] !== undefined) checkType(page['nextCursor'], 'string', 'nextCursor');
  return value as DevicePage;
}

/** @throws {ShapeError} when `value` is no device with what it reports */
export function checkDeviceDetails(value: unknown): DeviceDetails {
  const device = checkDevice(value);
  for (const item of checkList(device['telemetry'], 'telemetry')) {
    checkType(checkFields(item, 'a metric')['metric'], 'string', 'metric');
  }
  return value as DeviceDetails;
}

/** @throws {ShapeError} when `value` is no list of commands */
export function checkCommands(value: unknown): readonly Command[] {
  const commands = checkList(checkFields(value, 'the list of commands')['commands'], 'commands');
  for (const item of commands) {
    const command = checkFields(item, 'a command');
    checkType(command['name'], 'string', 'name');
    checkType(command['number'], 'number', 'number');
    checkType(command['title'], 'string', 'title');
    checkType(command['kind'], 'string', 'kind');
    if (command['input'] !== null) checkFields(command['input'], 'input');
  }
  return commands as readonly Command[];
}

/** @throws {ShapeError} when `value` is no outcome of a command */
export function checkInvocationResult(value: unknown): InvocationResult {
  const result = checkFields(value, 'the outcome of the command');
  if (!('output' in result)) throw new ShapeError('has no output');
  checkInvocation(result['invocation']);
  return value as InvocationResult;
}

/** @throws {ShapeError} when `value` holds no readings of a device */
export function checkTelemetry(value: unknown): DeviceTelemetry {
  const telemetry = checkFields(value, 'the readings');
  for (const item of checkList(telemetry['readings'], 'readings')) {
    const reading = checkFields(item, 'a reading');
    checkType(reading['metric'], 'string', 'metric');
    checkType(reading['time'], 'string', 'time');
    if (!['number', 'string', 'boolean'].includes(typeof reading['value']))
      throw new ShapeError('has a reading without a value');
    if (reading['unit'] !== null) checkType(reading['unit'], 'string', 'unit');
  }
  if (telemetry['unavailable'] !== null) {
    const unavailable = checkFields(telemetry['unavailable'], 'unavailable');
    checkType(unavailable['reason'], 'string', 'reason');
    checkType(unavailable['time'], 'string', 'time');
  }
  return value as DeviceTelemetry;
}

/** @throws {ShapeError} when `value` is no list of services */
export function checkServices(value: unknown): readonly Service[] {
  const services = checkList(checkFields(value, 'the list of services')['services'], 'services');
  for (const item of services) {
    const service = checkFields(item, 'a service');
    checkType(service['name'], 'string', 'name');
    checkType(service['status'], 'string', 'status');
    checkType(service['inFlight'], 'number', 'inFlight');
    for (const agent of checkList(service['agents'], 'agents'))
      checkType(checkFields(agent, 'an agent')['agentId'], 'string', 'agentId');
  }
  return services as readonly Service[];
}

/** @throws {ShapeError} when `value` does not say how the hub is */
export function checkHealth(value: unknown): Health {
  const health = checkFields(value, 'the health of the hub');
  if (health['name'] !== 'recado') throw new ShapeError('does not come from a Recado hub');
  checkType(health['status'], 'string', 'status');
  checkType(health['version'], 'string', 'version');
  return value as Health;
}

/** Reads a problem; undefined when `value` is none. Parts that are not as agreed are left out. */
export function readProblem(value: unknown, status: number): Problem | undefined {
  if (!isFields(value) || typeof value['code'] !== 'string') return undefined;
  const problem = value;
  const text = (name: string): string => (typeof problem[name] === 'string' ? problem[name] : '');
  const phase = problem['phase'];
  const safeToRetry = problem['safeToRetry'];
  return {
    type: text('type'),
    code: value['code'],
    title: text('title'),
    status,
    detail: text('detail'),
    ...(Array.isArray(problem['errors']) && { errors: problem['errors'].filter(isIssue) }),
    ...(isInvocation(problem['invocation']) && {
      invocation: problem['invocation'] as NonNullable<Problem['invocation']>,
    }),
    ...(isPhase(phase) && { phase }),
    ...(typeof safeToRetry === 'boolean' && { safeToRetry }),
    ...(isFields(problem['device']) && { device: readDeviceFailure(problem['device']) }),
  };
}

function readDeviceFailure(device: Fields): NonNullable<Problem['device']> {
  const { code, message, status, payload } = device;
  return {
    ...(typeof code === 'string' && { code }),
    ...(typeof message === 'string' && { message }),
    ...(typeof status === 'number' && { status }),
    ...(payload !== undefined && payload !== null && { payload }),
  };
}

function checkDevice(value: unknown): Fields {
  const device = checkFields(value, 'a device') as Fields & Device;
  checkType(device['deviceId'], 'string', 'deviceId');
  if (device['title'] !== null) checkType(device['title'], 'string', 'title');
  if (device['model'] !== null) checkType(device['model'], 'string', 'model');
  checkType(device['gateway'], 'string', 'gateway');
  checkType(device['commandCount'], 'number', 'commandCount');
  const presence = checkFields(device['presence'], 'presence');
  if (presence['status'] !== 'online' && presence['status'] !== 'offline')
    throw new ShapeError('has a device without presence');
  checkType(presence['sequence'], 'number', 'sequence');
  checkType(presence['reason'], 'string', 'reason');
  checkType(presence['since'], 'string', 'since');
  checkType(presence['lastSeen'], 'string', 'lastSeen');
  return device;
}

function checkInvocation(value: unknown): void {
  if (!isInvocation(value)) throw new ShapeError('has no invocation');
}

function isInvocation(value: unknown): boolean {
  if (!isFields(value) || typeof value['id'] !== 'string' || !isFields(value['phases'])) return false;
  return Object.values(value['phases']).every((time) => typeof time === 'string');
}

function isIssue(value: unknown): value is ProblemIssue {
  return isFields(value) && typeof value['pointer'] === 'string' && typeof value['message'] === 'string';
}

function isPhase(value: unknown): value is NonNullable<Problem['phase']> {
  return value === 'accepted' || value === 'sent' || value === 'delivered' || value === 'answered';
}

function checkFields(value: unknown, what: string): Fields {
  if (!isFields(value)) throw new ShapeError(`has something else where ${what} should be`);
  return value;
}

function checkList(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new ShapeError(`has no list "${name}"`);
  return value;
}

function checkType(value: unknown, type: 'string' | 'number', name: string): void {
  if (typeof value !== type) throw new ShapeError(`has no ${type} "${name}"`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
