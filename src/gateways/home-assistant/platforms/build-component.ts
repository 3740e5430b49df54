import { fail, succeed, type Result } from '../../../base/result.ts';
import { readAvailability } from '../discovery/availability.ts';
import { ComponentBuilder } from '../discovery/component-builder.ts';
import type { ComponentParts } from '../discovery/component-part.ts';
import { ComponentSettings } from '../discovery/component-settings.ts';
import type { ComponentConfig } from '../discovery/read-config.ts';
import type { TemplateCache } from '../template/template-cache.ts';
import { buildClimate, buildFan, buildHumidifier, buildWaterHeater } from './climate-platforms.ts';
import { buildLight } from './light.ts';
import { buildCover, buildLock, buildValve } from './opening-platforms.ts';
import {
  buildAlarm,
  buildEvent,
  buildImage,
  buildLawnMower,
  buildSiren,
  buildTag,
  buildTracker,
  buildTrigger,
  buildUpdate,
  buildVacuum,
} from './other-platforms.ts';
import {
  buildBinarySensor,
  buildButton,
  buildNotify,
  buildNumber,
  buildScene,
  buildSelect,
  buildSensor,
  buildSwitch,
  buildText,
  buildTime,
} from './plain-platforms.ts';

const PLATFORMS: ReadonlyMap<string, (builder: ComponentBuilder) => void> = new Map(
  Object.entries({
    alarm_control_panel: buildAlarm,
    binary_sensor: buildBinarySensor,
    button: buildButton,
    camera: buildImage,
    climate: buildClimate,
    cover: buildCover,
    date: buildTime,
    datetime: buildTime,
    device_automation: buildTrigger,
    device_tracker: buildTracker,
    event: buildEvent,
    fan: buildFan,
    humidifier: buildHumidifier,
    image: buildImage,
    lawn_mower: buildLawnMower,
    light: buildLight,
    lock: buildLock,
    notify: buildNotify,
    number: buildNumber,
    scene: buildScene,
    select: buildSelect,
    sensor: buildSensor,
    siren: buildSiren,
    switch: buildSwitch,
    tag: buildTag,
    text: buildText,
    time: buildTime,
    update: buildUpdate,
    vacuum: buildVacuum,
    valve: buildValve,
    water_heater: buildWaterHeater,
  }),
);

/**
 * Makes of a component's config what is read from its topics and sent to them.
 *
 * @returns what is wrong with it, in words
 */
export function buildComponent(
  config: ComponentConfig,
  templates: TemplateCache,
): Result<ComponentParts, string> {
  const build = PLATFORMS.get(config.platform);
  if (build === undefined) return fail(`is of the kind ${config.platform}, which is not known`);
  const settings = new ComponentSettings(config, templates);
  const builder = new ComponentBuilder(settings);
  build(builder);
  const availability = readAvailability(settings);
  return succeed({
    key: config.key,
    platform: config.platform,
    uniqueId: settings.text('unique_id'),
    metrics: builder.metrics,
    commands: builder.commands,
    events: builder.events,
    availability,
    notUnderstood: settings.notUnderstood,
  });
}
