/** Whether and where a flow is served to duplicators of other hosts. */
import type { AddressOf } from '../../protocol/address.js';
import type { Served } from '../../protocol/contract/shapes.js';
import { MirrorflowError } from '../../protocol/errors.js';
import { checkListening } from '../../protocol/security/listening.js';
import { readSecurity, type SecurityFiles } from '../../protocol/security/options.js';

export class Serving {
  readonly #files: SecurityFiles;
  readonly #flow: string;
  #served: Promise<Served> | undefined;

  constructor(files: SecurityFiles, flow: string) {
    this.#files = files;
    this.#flow = flow;
  }

  /** The first call that succeeds decides where; REFUSED without a secret, BAD_OPTION for TLS without a certificate. */
  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<Served> {
    if (this.#served !== undefined) return this.#served;
    const serving = this.#listen(listen);
    this.#served = serving;
    serving.catch(() => (this.#served = undefined));
    return serving;
  }

  async #listen(listen: AddressOf<'tcp' | 'tls'>): Promise<Served> {
    const security = readSecurity(this.#files);
    if (security.secret === undefined) {
      throw new MirrorflowError(
        'REFUSED',
        `flow ${this.#flow} is not served to other hosts without a shared secret: give --secret-file`,
        { flow: this.#flow },
      );
    }
    checkListening(listen, security);
    throw new MirrorflowError('SYSTEM_ERROR', 'serving other hosts is not there yet');
  }
}
