/**
 * Answers calls of other sites (site.answer) within what the configuration lets them do: messages,
 * flow control and figures of published applications for every site, starts for the sites in
 * `allowStart`. Called by the handler of `site.answer` in this folder; calls app servers here and
 * starts applications.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { NatsOptions } from '../../protocol/nats/options.js';
import { mayPublish } from '../../protocol/nats/published.js';
import type { ApplicationInfo } from '../../protocol/rpc/contract/shapes.js';
import { farName, STARTING_METHODS, type SiteCall } from '../../protocol/rpc/contract/sites.js';
import type { RpcValue } from '../../protocol/rpc/xml-rpc/values.js';
import type { Applications } from '../applications/applications.js';

export class SiteAnswers {
  readonly #applications: Applications;
  readonly #nats: NatsOptions | undefined;

  constructor(applications: Applications, nats: NatsOptions | undefined) {
    this.#applications = applications;
    this.#nats = nats;
  }

  /** Rejects with NOT_PERMITTED, NOT_RUNNING, or the error of what was called. */
  async answer(site: string, host: string, { application, method, params }: SiteCall): Promise<RpcValue> {
    if (STARTING_METHODS.includes(method)) this.#requireStart(site, method);
    if (method === 'host.open') return publicInfo(await this.#applications.open(application));
    this.#requirePublished(site, application);
    const server = this.#applications.callerOf(application);
    if (server === undefined) {
      throw new MirrorflowError('NOT_RUNNING', `${application} does not run on the host that was asked`, {
        application,
      });
    }
    return server.call(method, [farName({ site, host }), ...params]);
  }

  #requireStart(site: string, method: string): void {
    if (this.#nats?.allowStart?.includes(site) === true) return;
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `site ${this.#nats?.site ?? ''} does not let site ${site} start anything; its configuration names those that may in allowStart`,
      { site, method },
    );
  }

  #requirePublished(site: string, application: string): void {
    const info = this.#applications.list().find(({ name }) => name === application);
    if (info !== undefined && mayPublish(this.#nats?.publish ?? [], info)) return;
    throw new MirrorflowError(
      'NOT_PERMITTED',
      `application ${application} is not published to site ${site}`,
      {
        site,
        application,
      },
    );
  }
}

/** An application without the paths, ports and processes of this machine. */
function publicInfo({ name, state, startedAt, restarts, configured, byHand }: ApplicationInfo) {
  return { name, state, restarts, configured, byHand, ...(startedAt !== undefined && { startedAt }) };
}
