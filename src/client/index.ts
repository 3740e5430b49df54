/** `recado/client`: the HTTP API of a hub, typed; for Node and browsers. */
export type {
  CommandResource as Command,
  DeviceDetailResource as DeviceDetails,
  DeviceFailureResource as DeviceFailure,
  DevicePageResource as DevicePage,
  DeviceResource as Device,
  HealthResource as Health,
  InvocationAnswerResource as InvocationResult,
  InvocationResource as Invocation,
  IssueResource as ProblemIssue,
  JsonSchema,
  MetricResource as MetricDescription,
  PhaseResource as InvocationPhase,
  PresenceResource as Presence,
  ProblemResource as Problem,
  ReadingResource as Reading,
  ServiceAgentResource as ServiceAgent,
  ServiceResource as Service,
  TelemetryResource as DeviceTelemetry,
} from '../api/schemas.ts';
export {
  createClient,
  type CallOptions,
  type Client,
  type ClientOptions,
  type DeviceCalls,
  type DeviceFilter,
  type DeviceListOptions,
  type InvokeOptions,
} from './client.ts';
export {
  ClientError,
  HubAnswerError,
  HubUnreachableError,
  ProblemError,
  type ProblemCode,
  type UnreachableReason,
} from './errors.ts';
export {
  readDraft,
  readDrafts,
  type DraftIssue,
  type DraftOptions,
  type DraftProblem,
  type DraftReading,
} from './input-draft.ts';
export {
  readInputForm,
  type BooleanField,
  type ChoiceField,
  type FormField,
  type InputForm,
  type JsonField,
  type ListField,
  type NumberField,
  type ScalarField,
  type TextField,
} from './input-form.ts';
