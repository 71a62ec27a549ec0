/**
 * Asks an application whether it allows changes of its SpecTcl, and where that is. `ChangeRequests`
 * calls it for each change. Connects to the app server with the right `control`, which the user of
 * the viewer must have, and closes the connection.
 */
import { connect } from '../../client-lib/index.js';
import { checkName } from '../../protocol/base/names.js';

export interface ChangeTarget {
  /** Address of its SpecTcl; undefined where its mirror comes from another host. */
  readonly source: string | undefined;
  readonly allowChanges: boolean;
}

/**
 * `directory`: runtime directory of the host server. Throws BAD_NAME, UNKNOWN_APPLICATION,
 * NOT_RUNNING, and NOT_PERMITTED without the right.
 */
export async function changeTarget(app: string, directory: string | undefined): Promise<ChangeTarget> {
  const client = await connect({
    app: checkName('application', app),
    name: 'web-changes',
    program: 'mirrorflow web viewer',
    right: 'control',
    start: false,
    directory,
  });
  try {
    const { source, allowChanges = false } = await client.appInfo();
    return { source, allowChanges };
  } finally {
    await client.close();
  }
}
