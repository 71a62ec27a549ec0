/**
 * Publishes one flow of an application for as long as it exists: finds it, publishes its buffers or
 * its mirror, and waits for it again when it has ended. Started by the NATS process for each flow
 * that is to be published. Reads through the library.
 */
import type { Client } from '../../client-lib/index.js';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import { InterruptibleWait } from '../../protocol/base/interruptible-wait.js';
import type { Logger } from '../../protocol/base/log.js';
import { FLOW_FLAGS } from '../../protocol/flow/flow-file/layout.js';
import { readFlowHeader } from '../../protocol/flow/flow-file/open.js';
import type { WanMode } from '../../protocol/nats/flow-description.js';
import type { NatsSubjects } from '../../protocol/nats/subjects.js';
import { publishBuffers } from './buffer-publisher.js';
import { publishMirror } from './mirror-publisher.js';
import { PublishedFlow } from './published-flow.js';
import type { StreamWriter } from './stream-writer.js';

/** From the end of a flow, or a failed attempt, to the next. */
const RETRY_MS = 1_000;

export interface FlowPublisherOptions {
  readonly client: Client;
  readonly app: string;
  readonly flow: string;
  readonly wan: WanMode;
  readonly subjects: NatsSubjects;
  /** Shared by all flows of the site. */
  readonly writer: StreamWriter;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Publishes the flow until the signal is aborted. */
export async function publishFlow(options: FlowPublisherOptions, signal: AbortSignal): Promise<void> {
  const { app, flow, clock, log } = options;
  const wait = new InterruptibleWait(clock, signal);
  let reported = '';
  while (!signal.aborted) {
    try {
      await publishPresent(options, signal);
      reported = '';
    } catch (error) {
      const cause = describeError(error);
      if (cause !== reported && !signal.aborted)
        log.warn('a flow cannot be published; trying again', { app, flow, cause });
      reported = cause;
    }
    await wait.wait(RETRY_MS);
  }
}

/** Resolves when the flow has ended or does not exist. */
async function publishPresent(options: FlowPublisherOptions, signal: AbortSignal): Promise<void> {
  const { client, flow, wan, writer, clock } = options;
  // A mirror starts when it is opened, and has a file then.
  const opened = await client.openInput(flow, { inline: true, delivery: 'lossy', start: 'next' });
  let published: PublishedFlow | undefined;
  try {
    const file = (await client.flows()).find((one) => one.flow === flow)?.file;
    if (file === undefined || signal.aborted) return;
    const header = () => readFlowHeader(file);
    const { epoch, flags, geometry } = header();
    published = new PublishedFlow({ ...options, header });
    if ((flags & FLOW_FLAGS.mirror) !== 0)
      await publishMirror({ client, flow, wan, published, writer, clock, opened }, signal);
    else {
      const bufferSize = geometry.payloadCapacity;
      await publishBuffers({ client, flow, wan, published, epoch, bufferSize, opened }, signal);
    }
  } finally {
    published?.close();
    await opened.close();
  }
}
