/** Deliveries move from the connection of a session to that of a messaging thread. */
import { expect } from 'chai';
import type { Client } from '../../../app-server/clients/clients.js';
import { Deliveries } from '../../../app-server/clients/deliveries.js';
import { PROTOCOL_VERSION } from '../../../protocol/base/version.js';
import type { Delivery } from '../../../protocol/rpc/contract/deliveries.js';
import type { RpcValue } from '../../../protocol/rpc/xml-rpc/values.js';
import { failureOf } from '../../kit/failure-of.js';
import { ManualClock } from '../../kit/manual-clock.js';

/** A connection whose deliveries the test acknowledges. */
class Connection {
  readonly received: string[] = [];
  readonly #acknowledge: (() => void)[] = [];
  close: () => void = () => undefined;
  readonly closed = new Promise<void>((resolve) => {
    this.close = resolve;
  });

  call(_method: string, [delivery]: readonly RpcValue[]): Promise<RpcValue> {
    this.received.push((delivery as unknown as Delivery).from ?? '');
    return new Promise((resolve) => this.#acknowledge.push(() => resolve(true)));
  }

  acknowledge(): void {
    this.#acknowledge.shift()?.();
  }
}

describe('deliveries to a client with a messaging thread', () => {
  let clock: ManualClock;
  let deliveries: Deliveries;
  let session: Connection;
  let thread: Connection;
  let client: Client;
  const delivery = (from: string): Delivery => ({ kind: 'message', from });
  const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

  beforeEach(() => {
    clock = new ManualClock();
    deliveries = new Deliveries(clock);
    session = new Connection();
    thread = new Connection();
    const presentation = { name: 'viewer', program: 'test', pid: 1, version: PROTOCOL_VERSION };
    client = { session: 's', presentation, since: new Date(0), connection: session };
  });

  it('a delivery waits for those under way on the connection of the session, so that order is kept', async () => {
    const first = deliveries.deliver(client, delivery('first'));
    await settle();
    void deliveries.deliver(client, delivery('second'));
    deliveries.receiveOn(client, thread);
    const third = deliveries.deliver(client, delivery('third'));
    await settle();
    expect(session.received).to.deep.equal(['first']);
    expect(thread.received).to.deep.equal([]);
    session.acknowledge();
    await first;
    await settle();
    expect(thread.received).to.deep.equal(['second', 'third']);
    thread.acknowledge();
    thread.acknowledge();
    await third;
  });

  it('deliveries wait for a messaging thread that was announced, and never meet the session meanwhile', async () => {
    deliveries.expectReceiver(client);
    void deliveries.deliver(client, delivery('first'));
    void deliveries.deliver(client, delivery('second'));
    await settle();
    expect(session.received).to.deep.equal([]);
    deliveries.receiveOn(client, thread);
    await settle();
    expect(thread.received).to.deep.equal(['first', 'second']);
  });

  it('deliveries use the session when an announced thread does not connect, and when a thread has ended', async () => {
    deliveries.expectReceiver(client);
    void deliveries.deliver(client, delivery('first'));
    clock.advance(60_000);
    await settle();
    expect(session.received).to.deep.equal(['first']);
    session.acknowledge();
    deliveries.receiveOn(client, thread);
    thread.close();
    await settle();
    void deliveries.deliver(client, delivery('second'));
    await settle();
    expect(session.received).to.deep.equal(['first', 'second']);
  });

  it('a client over HTTP cannot name a connection for its deliveries', async () => {
    const http: Client = { ...client, connection: undefined };
    const failure = await failureOf(Promise.resolve().then(() => deliveries.receiveOn(http, thread)));
    expect(failure).to.include({ code: 'REFUSED' });
  });
});
