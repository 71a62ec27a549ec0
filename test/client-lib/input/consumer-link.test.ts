/** Attaching a consumer to a flow, against duplicators that misbehave. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { attachConsumer } from '../../../client-lib/input/consumer-link.js';
import type { Clock } from '../../../protocol/base/clock.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { MessageKind } from '../../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../../protocol/flow/signal-link/stream-link.js';
import { FlowDouble, until } from '../../fixtures/flow-double.js';

const OLDEST = { delivery: 'lossless', start: 'oldest' } as const;

describe('attaching a consumer', () => {
  it('gives up on a duplicator that says nothing', async () => {
    const from = await FlowDouble.start({ mute: true });
    try {
      const timers: (() => void)[] = [];
      const clock: Clock = {
        nowMs: () => 0,
        after: (_delayMs, action) => {
          timers.push(action);
          return () => timers.splice(timers.indexOf(action), 1);
        },
      };
      const attaching = attachConsumer(from.opened, OLDEST, clock).catch((error: unknown) => error);
      // First the one of the connection, then that of the welcome.
      let seen = timers[0];
      await until(() => timers.length === 1 && timers[0] !== (seen ??= timers[0]));
      timers[0]?.();
      expect(isMirrorflowError(await attaching, 'TIMED_OUT')).to.equal(true);
    } finally {
      await from.close();
    }
  });

  for (const [what, kind] of [
    ['a count before WELCOME', MessageKind.PUBLISHED],
    ['BEGIN before WELCOME', MessageKind.BEGIN],
  ] as const) {
    it(`breaks off at ${what}`, async () => {
      const from = await FlowDouble.start();
      const directory = await mkdtemp(join(tmpdir(), 'mirrorflow-test-'));
      const link = join(directory, 'link');
      const server = streamLink().createServer();
      server.onConnection((connection) => connection.signal(kind, 1));
      await server.listen(link);
      try {
        const error = await attachConsumer({ ...from.opened, link }, OLDEST).catch(
          (reason: unknown) => reason,
        );
        expect(isMirrorflowError(error, 'BAD_MESSAGE')).to.equal(true);
        await until(() => server.connectionCount === 0);
      } finally {
        await server.close();
        await from.close();
        await rm(directory, { recursive: true });
      }
    });
  }

  it('tells the end of a link also to a handler that comes late, once', async () => {
    const from = await FlowDouble.start();
    try {
      const link = await attachConsumer(from.opened, OLDEST);
      from.cut();
      await until(() => from.consumers.size === 0);
      const ends: string[] = [];
      link.onEnd(({ by }) => ends.push(by));
      await until(() => ends.length > 0);
      expect(ends).to.deep.equal(['peer']);
    } finally {
      await from.close();
    }
  });

  it('asks for a place in a certain epoch', async () => {
    const from = await FlowDouble.start({ epoch: 5 });
    try {
      from.publish(6);
      const same = await attachConsumer(from.opened, {
        delivery: 'lossless',
        start: { epoch: 5, sequence: 4 },
      });
      const other = await attachConsumer(from.opened, {
        delivery: 'lossless',
        start: { epoch: 4, sequence: 4 },
      });
      expect([same.reader.next, other.reader.next]).to.deep.equal([4, 0]);
      expect(other.missedAtStart).to.equal(0);
      same.close();
      other.close();
    } finally {
      await from.close();
    }
  });
});
