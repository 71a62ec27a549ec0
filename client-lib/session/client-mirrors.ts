/**
 * The mirrors of a client, one per flow: attached on first use, reattached when their duplicator
 * was replaced. Used by Client. Calls the app server and, through the mirrors, maps their files and
 * opens their links.
 */
import type { OpenRequest } from '../../protocol/rpc/contract/shapes.js';
import { checkName } from '../../protocol/base/names.js';
import { EarlyHandshake, ownLinkNumber } from '../mirror/early-handshake.js';
import { attachMirror, reattachMirror, type Mirror } from '../mirror/mirror.js';
import type { Openings } from './openings.js';

export class ClientMirrors {
  readonly #openings: Openings;
  readonly #linkPath: (flow: string) => string;
  readonly #mirrors = new Map<string, Promise<Mirror>>();
  /** The key of each mirror's opening. */
  readonly #keys = new WeakMap<Mirror, object>();

  /** `linkPath`: where the duplicator of a flow listens, if it runs. */
  constructor(openings: Openings, linkPath: (flow: string) => string) {
    this.#openings = openings;
    this.#linkPath = linkPath;
  }

  /**
   * The mirror of a flow, attached on the first call. Throws NOT_A_MIRROR, TIMED_OUT when its
   * duplicator does not answer, or the cause why it could not be started.
   */
  get(flow: string): Promise<Mirror> {
    const existing = this.#mirrors.get(flow);
    if (existing !== undefined) return existing;
    const attaching = this.#attach(flow);
    this.#mirrors.set(flow, attaching);
    attaching.catch(() => this.#mirrors.delete(flow));
    return attaching;
  }

  /** Whether the mirror is attached and its source is live. */
  async isMirroring(flow: string): Promise<boolean> {
    const mirror = this.#mirrors.get(flow);
    return mirror !== undefined && (await mirror).isMirroring;
  }

  /** Does nothing for a flow without a mirror. */
  async unmap(flow: string): Promise<void> {
    const attaching = this.#mirrors.get(flow);
    if (attaching === undefined) return;
    this.#mirrors.delete(flow);
    // The failure is reported where the mirror was requested; then nothing is mapped.
    const mirror = await attaching.catch(() => undefined);
    if (mirror === undefined) return;
    mirror.unmap();
    const key = this.#keys.get(mirror);
    if (key !== undefined) await this.#openings.close(key);
  }

  async unmapAll(): Promise<void> {
    await Promise.all([...this.#mirrors.keys()].map((flow) => this.unmap(flow)));
  }

  async #attach(flow: string): Promise<Mirror> {
    const link = ownLinkNumber();
    const request: OpenRequest = { flow: checkName('flow', flow), direction: 'input', link };
    const key = {};
    let early: EarlyHandshake | undefined = new EarlyHandshake(this.#linkPath(flow), link);
    let mirror: Mirror;
    try {
      mirror = await this.#openings.openAndAttach(key, request, (opened) => {
        const handshake = early;
        early = undefined; // for the first attempt only
        return attachMirror(opened, link, handshake);
      });
    } finally {
      early?.abandon();
    }
    this.#keys.set(mirror, key);
    const notify = this.#openings.statusNotifier(request);
    mirror.on('state', (state) => notify(state === 'live' ? 'live' : 'stale'));
    mirror.on('detached', () => {
      mirror.emit('state', 'stale');
      // A reattached mirror emits its state itself.
      void this.#openings.recover(key, request, (opened) => reattachMirror(mirror, opened), {
        ended: () => {
          mirror.emit('state', 'ended');
          notify('ended');
        },
      });
    });
    mirror.on('reattached', () => notify('reattached'));
    return mirror;
  }
}
