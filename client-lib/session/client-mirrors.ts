/**
 * The mirrors that a client has attached: one per flow, found again when their duplicator was
 * replaced.
 */
import type { OpenRequest } from '../../protocol/rpc/contract/shapes.js';
import { checkName } from '../../protocol/base/names.js';
import { EarlyGreeting, ownLinkNumber } from '../mirror/early-greeting.js';
import { Mirror } from '../mirror/mirror.js';
import type { Openings } from './openings.js';

export class ClientMirrors {
  readonly #openings: Openings;
  readonly #linkOf: (flow: string) => string;
  readonly #mirrors = new Map<string, Promise<Mirror>>();
  /** The key of each mirror's opening. */
  readonly #keys = new WeakMap<Mirror, object>();

  /** `linkOf`: where the duplicator of a flow takes its clients, if it runs. */
  constructor(openings: Openings, linkOf: (flow: string) => string) {
    this.#openings = openings;
    this.#linkOf = linkOf;
  }

  /**
   * The mirror of a flow, attached when it is not yet. Throws NOT_A_MIRROR, or the cause why it
   * could not be started.
   */
  get(flow: string): Promise<Mirror> {
    const known = this.#mirrors.get(flow);
    if (known !== undefined) return known;
    const attaching = this.#attach(flow);
    this.#mirrors.set(flow, attaching);
    attaching.catch(() => this.#mirrors.delete(flow));
    return attaching;
  }

  /** Whether there is one, and its source is live. */
  async isMirroring(flow: string): Promise<boolean> {
    const known = this.#mirrors.get(flow);
    return known !== undefined && (await known).isMirroring;
  }

  /** Nothing happens when there is none. */
  async unmap(flow: string): Promise<void> {
    const known = this.#mirrors.get(flow);
    if (known === undefined) return;
    this.#mirrors.delete(flow);
    const mirror = await known;
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
    const early = new EarlyGreeting(this.#linkOf(flow), link);
    let mirror: Mirror;
    try {
      mirror = await Mirror.attach(await this.#openings.open(key, request), link, early);
    } catch (error) {
      early.giveUp();
      await this.#openings.close(key);
      throw error;
    }
    this.#keys.set(mirror, key);
    const tell = this.#openings.teller(request);
    mirror.on('state', (state) => tell(state === 'live' ? 'live' : 'stale'));
    mirror.on('lost', () => {
      mirror.emit('state', 'stale');
      void this.#openings.recover(key, request, mirror, {
        // The mirror itself tells its state.
        reattached: () => undefined,
        ended: () => {
          mirror.emit('state', 'ended');
          tell('ended');
        },
      });
    });
    mirror.on('reattached', () => tell('reattached'));
    return mirror;
  }
}
