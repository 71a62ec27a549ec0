/**
 * The site that an application's flows come from over NATS, in the place of a host: which flows it
 * publishes. Used by RemoteFlows; loads the packages of NATS when a flow is looked up.
 */
import type { SiteAddress } from '../../protocol/nats/site-address.js';
import { formatSiteAddress } from '../../protocol/nats/site-address.js';
import type { FlowDefinition } from '../flows/flow-definition.js';

export class FarSite {
  readonly #address: SiteAddress;
  readonly #directory: string;
  readonly #app: string;

  constructor(address: SiteAddress, directory: string, app: string) {
    this.#address = address;
    this.#directory = directory;
    this.#app = app;
  }

  /**
   * What the flow is here; undefined when the site publishes no such flow. Rejects with
   * SOURCE_UNREACHABLE, SOURCE_REFUSED or BAD_OPTION.
   */
  async find(flow: string): Promise<FlowDefinition | undefined> {
    const { lastDescription, readPublishingSite } = await import('../../protocol/nats/publishing-site.js');
    const site = readPublishingSite(this.#address, this.#directory);
    const found = await lastDescription(site, this.#app, flow);
    if (found === undefined) return undefined;
    const source = formatSiteAddress(this.#address);
    return { flow, type: found.flow.type, direction: 'input', source, properties: '{}' };
  }
}
