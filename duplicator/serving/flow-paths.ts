/**
 * Where a flow's file and link stand; the directories are made ready for them, for this user and
 * those whom the access list names.
 */
import { dirname } from 'node:path';
import { Access } from '../../protocol/host/access/access.js';
import { appFlowDirectory, flowFilePath, linkSocketPath } from '../../protocol/base/paths.js';
import type { Logger } from '../../protocol/base/log.js';
import { prepareDirectory } from '../../protocol/base/files/private-directory.js';
import type { DuplicatorOptions } from '../options.js';

export interface FlowPaths {
  /** The flow file. */
  readonly path: string;
  /** The socket of the signal link. */
  readonly link: string;
  readonly access: Access;
}

/** Throws what `prepareDirectory` throws for a directory that is somebody else's. */
export function prepareFlowPaths(
  options: Pick<DuplicatorOptions, 'app' | 'flow' | 'directory' | 'flowDirectory' | 'access'>,
  log: Logger,
): FlowPaths {
  const { app, flow, directory, flowDirectory } = options;
  const link = linkSocketPath(directory, app, flow);
  const own = appFlowDirectory(flowDirectory, app);
  for (const place of [directory, dirname(link), flowDirectory, own]) prepareDirectory(place);
  const access = new Access(options.access, log);
  access.grantDirectories([own], [flowDirectory, directory, dirname(link)]);
  return { path: flowFilePath(flowDirectory, app, flow), link, access };
}
