/**
 * Applies an application's access (the users and groups that may read and provide its flows) to
 * files, sockets and directories: mode, group and access list. App servers and duplicators use it.
 * Changes permissions, runs setfacl(1).
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, statSync } from 'node:fs';
import { MirrorflowError, describeError, systemCode } from '../../base/errors.js';
import type { FileAccess } from '../../base/files/allocate.js';
import type { Logger } from '../../base/log.js';
import { systemAccounts } from './accounts.js';
import type { AccessOptions } from '../../rpc/contract/access-options.js';
import { accessList, accessPolicy, type AccessPolicy, type GrantedKind } from './policy.js';

const SETFACL = 'setfacl';
const SETFACL_TIMEOUT_MS = 5_000;
const OTHERS_PASS = 0o001;

/** Checks what was configured without applying it. Throws BAD_OPTION. */
export function checkAccess(options: AccessOptions): void {
  accessPolicy(options, systemAccounts());
}

export class Access {
  readonly policy: AccessPolicy;
  readonly #log: Logger;
  readonly #stated: boolean;
  #warned = false;

  /** Without options the owner has access, and its group reads. Throws BAD_OPTION. */
  constructor(options: AccessOptions | undefined, log: Logger) {
    this.policy = accessPolicy(options ?? {}, systemAccounts());
    this.#stated = options !== undefined;
    this.#log = log;
  }

  /** For creating a file; its access list is added with `grant` afterwards. */
  of(kind: GrantedKind): FileAccess {
    const { modes, gid } = this.policy;
    return { mode: modes[kind], ...(gid === undefined ? {} : { gid }) };
  }

  /**
   * Gives the file at `path` its mode, group and access list. `inherited`: the file is not new, and
   * may have a list of an earlier configuration. Throws NOT_PERMITTED. A list that the system
   * refuses is logged: the accounts on it have no access.
   */
  grant(path: string, kind: GrantedKind, inherited = false): void {
    const { modes, gid } = this.policy;
    try {
      if (gid !== undefined) chownSync(path, -1, gid);
      chmodSync(path, modes[kind]);
    } catch (error) {
      throw new MirrorflowError(
        'NOT_PERMITTED',
        `${path} cannot be given its group or mode: ${describeError(error)}`,
        { path },
        error,
      );
    }
    const entries = accessList(this.policy, kind);
    if (entries !== '') this.#setList(['-b', '-m', entries, '--', path]);
    else if (inherited) this.#setList(['-b', '--', path]);
  }

  /**
   * Gives access to the application's own directories, and passage through the shared ones on the
   * way there.
   */
  grantDirectories(own: readonly string[], shared: readonly string[]): void {
    if (!this.#stated) return;
    for (const path of own) this.grant(path, 'directory', true);
    if (!this.policy.passage) return;
    for (const path of shared) {
      const { mode } = statSync(path);
      if ((mode & OTHERS_PASS) === 0) chmodSync(path, (mode & 0o7777) | OTHERS_PASS);
    }
  }

  #setList(words: readonly string[]): void {
    const isNeeded = this.policy.readers.length + this.policy.providers.length > 0;
    try {
      execFileSync(SETFACL, [...words], { timeout: SETFACL_TIMEOUT_MS, stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (error) {
      // Without the program no list exists that would have to be removed.
      if (!isNeeded || this.#warned) return;
      this.#warned = true;
      const reason =
        systemCode(error) === 'ENOENT'
          ? `the program ${SETFACL} is not installed; install it (package acl), or use mode and group`
          : describeError(error);
      const { readers, providers } = this.policy;
      this.#log.warn('readers and providers that were configured by name have no access', {
        readers: readers.join(' '),
        providers: providers.join(' '),
        reason,
      });
    }
  }
}
