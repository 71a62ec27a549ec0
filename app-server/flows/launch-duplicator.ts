/** How a duplicator is started: its program, its arguments, its log. */
import type { Clock } from '../../protocol/base/clock.js';
import type { DuplicatorReady } from '../../protocol/rpc/contract/shapes.js';
import { appSocketPath, logFilePath } from '../../protocol/base/paths.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import { securityArguments } from '../../protocol/rpc/security/options.js';
import { QUIT_TIMEOUT_MS } from '../children/flow-duplicator.js';
import { isRemote, type FlowDefinition } from './flow-definition.js';
import type { AppServerOptions } from '../options.js';

/**
 * Shorter than an opening lasts, so that whoever opens the flow gets the cause and not a time-out
 * of its own.
 */
const READY_TIMEOUT_MS = LIMITS.flowOpeningTimeoutMs - 2_000;

export function launchDuplicator(
  definition: FlowDefinition,
  options: AppServerOptions,
  script: string,
  clock: Clock,
): Child<DuplicatorReady> {
  const { name } = options.application;
  return new Child<DuplicatorReady>({
    title: `duplicator ${name}/${definition.flow}`,
    script,
    args: duplicatorArguments(definition, options),
    logFile: logFilePath(options.directory, 'duplicator', name, definition.flow),
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopTimeoutMs: LIMITS.childStopTimeoutMs - QUIT_TIMEOUT_MS,
    clock,
  });
}

export function duplicatorArguments(definition: FlowDefinition, options: AppServerOptions): string[] {
  const { application, directory, flowDirectory } = options;
  const { flow, type, direction, source, sizes, properties } = definition;
  const { updateIntervalMs, lingerMs, ringBytes, stallTimeoutMs, access } = application;
  const fromSource = direction === 'input';
  const stated: readonly [string, string | number | undefined][] = [
    ['--app', application.name],
    ['--flow', flow],
    ['--type', type],
    ['--direction', direction],
    [isRemote(definition) ? '--source' : '--connect', source],
    ['--buffer-size', sizes?.bufferSize],
    ['--buffers', sizes?.buffers],
    ['--properties', properties === '{}' ? undefined : properties],
    ['--update-interval', fromSource ? updateIntervalMs : undefined],
    ['--linger', lingerMs],
    ['--ring-bytes', fromSource ? ringBytes : undefined],
    ['--stall-timeout', stallTimeoutMs],
    ['--access', access === undefined ? undefined : JSON.stringify(access)],
    ['--parent', appSocketPath(directory, application.name)],
    ['--directory', directory],
    ['--flow-dir', flowDirectory],
  ];
  return [
    ...stated.flatMap(([option, value]) => (value === undefined ? [] : [option, String(value)])),
    ...securityArguments(options.security.files),
  ];
}
