/**
 * Applies an application's access (the users and groups that may read, provide and control it) to
 * files, sockets and directories: mode, group and access list. App servers, duplicators and host
 * servers use it. Changes permissions.
 */
import { chmodSync, chownSync, statSync } from 'node:fs';
import { MirrorflowError, describeError } from '../../base/errors.js';
import type { FileAccess } from '../../base/files/allocate.js';
import type { Logger } from '../../base/log.js';
import { systemAccounts } from './accounts.js';
import type { AccessOptions } from '../../rpc/contract/access-options.js';
import { removeAccessList, setAccessList } from './access-list.js';
import { accessList, accessPolicy, modeOf, type AccessPolicy, type GrantedKind } from './policy.js';

const OTHERS_PASS = 0o001;

/** Checks what was configured without applying it. Throws BAD_OPTION. */
export function checkAccess(options: AccessOptions): void {
  accessPolicy(options, systemAccounts());
}

export class Access {
  readonly policy: AccessPolicy;
  readonly #options: AccessOptions;
  readonly #log: Logger;
  readonly #stated: boolean;
  #warned = false;

  /**
   * Without options the owner controls and provides, and its group reads. Throws BAD_OPTION.
   */
  constructor(options: AccessOptions | undefined, log: Logger) {
    this.#options = options ?? {};
    this.policy = accessPolicy(this.#options, systemAccounts());
    this.#stated = options !== undefined;
    this.#log = log;
  }

  /** For creating a file; its access list is added with `grant` afterwards. */
  of(kind: GrantedKind): FileAccess {
    const { gid } = this.policy;
    return { mode: modeOf(this.policy, kind), ...(gid === undefined ? {} : { gid }) };
  }

  /**
   * Gives the file at `path` its mode, group and access list. `inherited`: the file is not new, and
   * may have a list of an earlier configuration. Throws NOT_PERMITTED. A list that the system
   * refuses is logged: the accounts on it have no access.
   */
  grant(path: string, kind: GrantedKind, inherited = false): void {
    const { gid } = this.policy;
    const mode = modeOf(this.policy, kind);
    try {
      if (gid !== undefined) chownSync(path, -1, gid);
      chmodSync(path, mode);
    } catch (error) {
      throw new MirrorflowError(
        'NOT_PERMITTED',
        `${path} cannot be given its group or mode: ${describeError(error)}`,
        { path },
        error,
      );
    }
    const entries = accessList(this.policy, kind);
    if (entries.length > 0) this.#list(() => setAccessList(path, mode, entries));
    else if (inherited) this.#list(() => removeAccessList(path));
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

  #list(change: () => void): void {
    try {
      change();
    } catch (error) {
      // Without the library no list exists that would have to be removed.
      if (this.policy.named.length === 0 || this.#warned) return;
      this.#warned = true;
      const { readers = [], providers = [], control = [] } = this.#options;
      this.#log.warn(
        'users and groups that are configured by name have no access; use mode and group instead',
        {
          readers: readers.join(' '),
          providers: providers.join(' '),
          control: control.join(' '),
          reason: describeError(error),
        },
      );
    }
  }
}
