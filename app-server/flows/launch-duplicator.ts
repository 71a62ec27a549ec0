/**
 * Starts the duplicator of a flow (the process that owns the flow's file) with its program,
 * arguments and log. The flow table calls it for each start. Starts a process, writes its log file.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { DuplicatorReady } from '../../protocol/rpc/contract/shapes.js';
import { appSocketPath, logFilePath } from '../../protocol/base/paths.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { Child } from '../../protocol/host/process-kit/child.js';
import type { SpareProcess } from '../../protocol/host/process-kit/spare-process.js';
import { duplicatorArguments, duplicatorDocument } from '../../protocol/rpc/contract/duplicator-options.js';
import { QUIT_TIMEOUT_MS } from '../children/flow-duplicator.js';
import type { FlowDefinition } from './flow-definition.js';
import type { AppServerOptions } from '../options.js';

/** Shorter than an opening lasts, so that the client gets the cause before its own time-out. */
const READY_TIMEOUT_MS = LIMITS.flowOpeningTimeoutMs - 2_000;

export function launchDuplicator(
  definition: FlowDefinition,
  options: AppServerOptions,
  script: string,
  spare: SpareProcess | undefined,
  clock: Clock,
): Child<DuplicatorReady> {
  const { name } = options.application;
  return new Child<DuplicatorReady>({
    title: `duplicator ${name}/${definition.flow}`,
    script,
    ...(spare === undefined ? {} : { spare }),
    args: argumentsOf(definition, options),
    logFile: logFilePath(options.directory, 'duplicator', name, definition.flow),
    readyTimeoutMs: READY_TIMEOUT_MS,
    stopTimeoutMs: LIMITS.childStopTimeoutMs - QUIT_TIMEOUT_MS,
    clock,
  });
}

/** The command line; the application's settings pass through as they are. */
export function argumentsOf(definition: FlowDefinition, options: AppServerOptions): string[] {
  const { application, directory, flowDirectory, security, links } = options;
  const { flow, type, direction, source, sizes, properties, signal } = definition;
  const place = { method: 'duplicator', root: 'options', path: [], unknownMembers: 'drop' } as const;
  const stated = {
    ...application,
    ...security.files,
    ...links,
    application: application.name,
    type,
    signal,
    properties: properties === '{}' ? undefined : JSON.parse(properties),
    parent: appSocketPath(directory, application.name, 'control'),
    directory,
    flowDirectory,
  };
  const document = duplicatorDocument.check(stated, { ...place, path: [] });
  return duplicatorArguments({ flow, direction, source, ...sizes, options: document });
}
