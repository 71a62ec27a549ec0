/**
 * Reads what alarms do outside of the page from the configuration file of the host server: the
 * member `alarms`. `options.ts` calls it. Reads the file; the host server checks its other members.
 */
import { readFileSync, statSync } from 'node:fs';
import { describeError, MirrorflowError } from '../../../protocol/base/errors.js';
import { readAlarmActions, type AlarmActions } from '../../../protocol/host/alarm-actions.js';
import { isStruct } from '../../../protocol/rpc/xml-rpc/values.js';

const FILE_BYTES_MAX = 1024 * 1024;

/** Undefined without such a member. Throws BAD_CONFIGURATION. */
export function readAlarmActionsFrom(path: string): AlarmActions | undefined {
  const root = readJson(path);
  if (!Object.hasOwn(root, 'alarms')) return undefined;
  const problems: string[] = [];
  const actions = readAlarmActions(root['alarms'], 'alarms', (key, message) =>
    problems.push(`${key} ${message}`),
  );
  if (actions !== undefined && problems.length === 0) return actions;
  throw new MirrorflowError('BAD_CONFIGURATION', `${path}: ${problems.join('; ')}`, { file: path });
}

function readJson(path: string): { readonly [key: string]: unknown } {
  try {
    const { size } = statSync(path);
    if (size > FILE_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${FILE_BYTES_MAX}`);
    const root: unknown = JSON.parse(readFileSync(path, 'utf8').replace(/^\u{FEFF}/u, ''));
    if (isStruct(root)) return root;
    throw new Error('it is not an object');
  } catch (error) {
    throw new MirrorflowError(
      'BAD_CONFIGURATION',
      `the configuration ${path} cannot be read: ${describeError(error)}`,
      { file: path },
      error,
    );
  }
}
