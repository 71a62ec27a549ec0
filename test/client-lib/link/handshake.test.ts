/** The handshake with a duplicator, against duplicators that misbehave. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Handshake, type JoinedLink } from '../../../client-lib/link/handshake.js';
import type { Clock } from '../../../protocol/base/clock.js';
import type { LinkConnection } from '../../../protocol/flow/signal-link/link.js';
import { MessageKind, packHello, packRefusal } from '../../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../../protocol/flow/signal-link/stream-link.js';
import { FlowDouble } from '../../kit/flow-double.js';
import { eventually } from '../../kit/eventually.js';
import { failureOf } from '../../kit/failure-of.js';

const REQUEST = { client: 7, hello: { role: 'consumer', delivery: 'lossless', start: 'oldest' } } as const;

const joinAt = (path: string): Promise<JoinedLink> => new Handshake(path).join(REQUEST);

/** Runs `use` with a server that does `answer` to each connection. */
async function withServer(
  answer: (connection: LinkConnection) => void,
  use: (path: string, connections: () => number) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'mirrorflow-test-'));
  const path = join(directory, 'link');
  const server = streamLink().createServer();
  server.onConnection(answer);
  await server.listen(path);
  try {
    await use(path, () => server.connectionCount);
  } finally {
    await server.close();
    await rm(directory, { recursive: true });
  }
}

describe('the handshake with a duplicator', () => {
  it('a duplicator that does not answer is a TIMED_OUT, and its socket is closed', async () => {
    const silent = await FlowDouble.start({ mute: true });
    try {
      const timers: (() => void)[] = [];
      const clock: Clock = {
        nowMs: () => 0,
        after: (_delayMs, action) => {
          timers.push(action);
          return () => timers.splice(timers.indexOf(action), 1);
        },
      };
      const joining = failureOf(new Handshake(silent.opened.link, clock).join(REQUEST));
      // The transport's own timer ends with the connection.
      await eventually(() => timers.length === 1);
      timers[0]?.();
      expect(await joining).to.include({ code: 'TIMED_OUT' });
      expect(timers).to.deep.equal([]);
    } finally {
      await silent.close();
    }
  });

  it('a program that was busy beyond the time limit still reads the answer that has arrived', async () => {
    const from = await FlowDouble.start({ epoch: 3 });
    try {
      const joining = joinAt(from.opened.link);
      await eventually(() => from.consumers.size === 1);
      const busyUntil = performance.now() + 1_200;
      while (performance.now() < busyUntil);
      expect((await joining).epoch).to.equal(3);
    } finally {
      await from.close();
    }
  });

  it('a duplicator that closes the link before BEGIN is a NOT_RUNNING', async () => {
    await withServer(
      (connection) => {
        connection.signal(MessageKind.WELCOME, 1);
        connection.close();
      },
      async (path) => {
        expect(await failureOf(joinAt(path))).to.include({ code: 'NOT_RUNNING' });
      },
    );
  });

  it('a path where no duplicator listens is a NOT_RUNNING', async () => {
    expect(await failureOf(joinAt(join(tmpdir(), 'no-such-link')))).to.include({ code: 'NOT_RUNNING' });
  });

  for (const [what, kind] of [
    ['a count', MessageKind.PUBLISHED],
    ['BEGIN', MessageKind.BEGIN],
  ] as const) {
    it(`${what} before WELCOME is a BAD_MESSAGE, and the socket is closed`, async () => {
      await withServer(
        (connection) => connection.signal(kind, 1),
        async (path, connections) => {
          expect(await failureOf(joinAt(path))).to.include({ code: 'BAD_MESSAGE' });
          await eventually(() => connections() === 0);
        },
      );
    });
  }

  it('the end of a link is reported once, also to a handler that is set after it', async () => {
    const from = await FlowDouble.start();
    try {
      const link = await joinAt(from.opened.link);
      from.cut();
      await eventually(() => link.connection.closed);
      const ends: string[] = [];
      link.onEnd(({ by }) => ends.push(by));
      await eventually(() => ends.length > 0);
      expect(ends).to.deep.equal(['peer']);
    } finally {
      await from.close();
    }
  });

  it('an abandoned handshake closes its socket', async () => {
    let connected = 0;
    await withServer(
      () => (connected += 1),
      async (path, connections) => {
        new Handshake(path).abandon();
        await eventually(() => connected === 1 && connections() === 0);
      },
    );
  });

  it('a consumer sends its HELLO, and its START only with a sequence, in this order', async () => {
    const received: [kind: number, value: number, detail: number][] = [];
    await withServer(
      (connection) => {
        connection.onMessage((kind, value, detail) => {
          received.push([kind, value, detail]);
          const isLast = kind === MessageKind.START || (detail >>> 16) % 256 !== 2;
          if (!isLast) return;
          connection.signal(MessageKind.WELCOME, 2 ** 40 + 9);
          connection.signal(MessageKind.BEGIN, 17, 3);
        });
      },
      async (path) => {
        const hello = { role: 'consumer', delivery: 'lossy', start: 'sequence' } as const;
        const start = { epoch: 2 ** 33 + 5, sequence: 11 };
        const joined = await new Handshake(path).join({ client: 7, hello, start });
        expect([joined.epoch, joined.first, joined.generation]).to.deep.equal([2 ** 40 + 9, 17, 3]);
        expect(received).to.deep.equal([
          [MessageKind.HELLO, 7, packHello(hello)],
          [MessageKind.START, 11, 5],
        ]);
        received.length = 0;
        const without = await new Handshake(path).join(REQUEST);
        expect(received).to.deep.equal([[MessageKind.HELLO, 7, packHello(REQUEST.hello)]]);
        for (const { connection } of [joined, without]) connection.destroy();
      },
    );
  });

  it('a refusal rejects with its code and the path, and the socket is closed', async () => {
    await withServer(
      (connection) => connection.signal(MessageKind.REFUSED, 0, packRefusal('FLOW_BUSY')),
      async (path, connections) => {
        const error = await failureOf(joinAt(path));
        expect(error).to.include({ code: 'FLOW_BUSY' });
        expect(error.message).to.include(path);
        await eventually(() => connections() === 0);
      },
    );
  });

  it('a second WELCOME is a BAD_MESSAGE', async () => {
    await withServer(
      (connection) => {
        connection.signal(MessageKind.WELCOME, 1);
        connection.onMessage(() => connection.signal(MessageKind.WELCOME, 2));
      },
      async (path) => {
        expect(await failureOf(joinAt(path))).to.include({ code: 'BAD_MESSAGE' });
      },
    );
  });
});
