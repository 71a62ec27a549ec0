/**
 * Publishes the flows of this host that its rules name, for as long as their applications run: one
 * writer of the site's stream, one publisher per flow. Made by Site. Reads through the library.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import { connect, connectHost, type ApplicationInfo, type Client } from '../../client-lib/index.js';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import { InterruptibleWait } from '../../protocol/base/interruptible-wait.js';
import type { Logger } from '../../protocol/base/log.js';
import { storedSubjects } from '../../protocol/nats/flow-channels.js';
import type { NatsOptions, PublishRule } from '../../protocol/nats/options.js';
import { publishesFlow, ruleFor } from '../../protocol/nats/published.js';
import type { SiteSeals } from '../../protocol/nats/signature.js';
import { apiPrefix } from '../../protocol/nats/stream-place.js';
import type { NatsSubjects } from '../../protocol/nats/subjects.js';
import { publishFlow } from './flow-publisher.js';
import { StreamWriter } from './stream-writer.js';
import type { StreamBounds } from './stream-setup.js';

/** New applications and flows are looked for this often. */
const LOOK_MS = 2_000;
const STORE_BYTES = 256 * 2 ** 20;
const STORE_SECONDS = 600;

export interface SitePublisherOptions {
  readonly connection: NatsConnection;
  readonly subjects: NatsSubjects;
  readonly nats: NatsOptions;
  readonly seals: SiteSeals;
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** An application that is published. */
interface Published {
  readonly client: Client;
  readonly ending: AbortController;
  readonly flows: Map<string, Promise<void>>;
}

export class SitePublisher {
  readonly #options: SitePublisherOptions;
  readonly #ending = new AbortController();
  readonly #writer: StreamWriter;
  readonly #applications = new Map<string, Published>();
  readonly #running: Promise<void>;

  constructor(options: SitePublisherOptions) {
    this.#options = options;
    const { connection, subjects, nats, seals, clock, log } = options;
    this.#writer = new StreamWriter({
      place: { connection, apiPrefix: apiPrefix(nats.domain), stream: subjects.stream },
      bounds: boundsOf(nats.publish ?? [], subjects),
      seals,
      clock,
      log,
    });
    this.#running = this.#run();
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#writer.close();
    await this.#running;
    await Promise.all([...this.#applications.keys()].map((app) => this.#end(app)));
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#ending;
    const wait = new InterruptibleWait(clock, signal);
    let reported = '';
    while (!signal.aborted) {
      try {
        await this.#look();
        reported = '';
      } catch (error) {
        // Flows that are published already continue without the host server.
        const cause = describeError(error);
        if (cause !== reported) log.warn('flows to be published cannot be looked up', { cause });
        reported = cause;
      }
      await wait.wait(LOOK_MS);
    }
  }

  async #look(): Promise<void> {
    const { directory, nats } = this.#options;
    const server = await connectHost({ directory });
    let all: readonly ApplicationInfo[];
    try {
      all = await server.applications();
    } finally {
      await server.close();
    }
    const rules = new Map<string, PublishRule>();
    for (const application of all) {
      const rule = ruleFor(nats.publish ?? [], application);
      if (rule !== undefined && application.state === 'running') rules.set(application.name, rule);
    }
    for (const app of this.#applications.keys()) if (!rules.has(app)) await this.#end(app);
    for (const [app, rule] of rules) await this.#publish(app, rule);
  }

  async #publish(app: string, rule: PublishRule): Promise<void> {
    const { directory, subjects, clock, log } = this.#options;
    const known = this.#applications.get(app);
    const published = known ?? {
      client: await connect({
        app,
        name: 'nats-publisher',
        program: 'mirrorflow nats',
        directory,
        start: false,
      }),
      ending: new AbortController(),
      flows: new Map<string, Promise<void>>(),
    };
    if (known === undefined) this.#applications.set(app, published);
    const { client, ending, flows } = published;
    const present = (await client.flows()).map(({ flow }) => flow);
    for (const flow of new Set([...present, ...(rule.flows ?? [])])) {
      if (!publishesFlow(rule, flow) || flows.has(flow) || this.#ending.signal.aborted) continue;
      log.info('publishing a flow', { app, flow });
      const { wan = 'stored' } = rule;
      const options = { client, app, flow, wan, subjects, writer: this.#writer, clock, log };
      flows.set(flow, publishFlow(options, ending.signal));
    }
  }

  async #end(app: string): Promise<void> {
    const published = this.#applications.get(app);
    if (published === undefined) return;
    this.#applications.delete(app);
    published.ending.abort();
    await Promise.all(published.flows.values());
    await published.client.close();
  }
}

/** One stream for all rules: as many bytes as they ask for together, for the longest time. */
function boundsOf(rules: readonly PublishRule[], subjects: NatsSubjects): StreamBounds {
  const bytes = rules.map(({ storeBytes = STORE_BYTES }) => storeBytes);
  const seconds = rules.map(({ storeSeconds = STORE_SECONDS }) => storeSeconds);
  return {
    subjects: storedSubjects(subjects),
    maxBytes: bytes.reduce((sum, one) => sum + one, 0),
    maxAgeMs: Math.max(...seconds) * 1_000,
  };
}
