/**
 * The site that an application's flows come from over NATS, in the place of a host: finds the flows
 * that it publishes, and delivers to their providers there. Used by RemoteFlows. Reads from the
 * NATS server when a flow is looked up, whose packages are loaded then; calls far hosts.
 */
import type { SiteAddress } from '../../protocol/nats/site-address.js';
import { formatSiteAddress } from '../../protocol/nats/site-address.js';
import type { Delivery } from '../../protocol/rpc/contract/deliveries.js';
import type { FlowDefinition } from '../flows/flow-definition.js';
import type { RemoteHosts } from './remote-hosts.js';

export class FarSite {
  readonly #address: SiteAddress;
  /** Runtime directory, with the options of NATS. */
  readonly #directory: string;
  readonly #app: string;

  constructor(address: SiteAddress, directory: string, app: string) {
    this.#address = address;
    this.#directory = directory;
    this.#app = app;
  }

  /**
   * The definition of the flow on this host; undefined when the site publishes no such flow.
   * Rejects with SOURCE_UNREACHABLE, SOURCE_REFUSED or BAD_OPTION.
   */
  async find(flow: string): Promise<FlowDefinition | undefined> {
    const { lastDescription, readPublishingSite } = await import('../../protocol/nats/publishing-site.js');
    const site = readPublishingSite(this.#address, this.#directory);
    const found = await lastDescription(site, this.#app, flow);
    if (found === undefined) return undefined;
    const source = formatSiteAddress(this.#address);
    return { flow, type: found.flow.type, direction: 'input', source, properties: '{}' };
  }

  /**
   * Delivers to the provider of a flow there; any host of the site may have it, and passes the
   * delivery to no further host. False when there is none, or none answers. Never rejects.
   */
  async deliver(hosts: RemoteHosts, flow: string, delivery: Delivery): Promise<boolean> {
    const answers = await Promise.allSettled(
      hosts
        .ofSite(this.#address.site)
        .map((host) => hosts.call(host, 'remote.tellProvider', [flow, delivery, 0])),
    );
    return answers.some((answer) => answer.status === 'fulfilled' && answer.value);
  }
}
