/** How frames reach a page: packed or not, once for all pages, as many as the line takes. */
import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { inflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import type { WebSocket } from 'ws';
import { DISPLAY_HEADER_BYTES } from '../../../protocol/spectcl/display-memory.js';
import { writeBinding } from '../../../protocol/spectcl/display-writer.js';
import { packsFrames } from '../../../web/server/frame-line.js';
import { PageSession } from '../../../web/server/page-session.js';
import { SpectrumCache } from '../../../web/server/spectrum-cache.js';
import { PACKED_CHANGES, PACKED_WHOLE, unpackFrame } from '../../../web/wire/packed-frame.js';
import { eventually } from '../../kit/eventually.js';
import { pageServices } from './page-services.js';

const CHANNELS = 64;
const VIEW = { id: 1, spectrum: 's', columns: 100, rows: 1 };

/** A source with one spectrum, and the part of a watch that pages use. */
class Source extends EventEmitter {
  readonly app = 'e1';
  readonly status = { app: 'e1', state: 'live' };
  readonly list = [];
  readonly listIsKnown = true;
  readonly gates = [];
  readonly replay = { replay: undefined };
  readonly run = { info: undefined };
  readonly cache = new SpectrumCache();
  readonly metadata = { revision: 1, spectrum: () => undefined };
  readonly publication = { atMs: 1, sequence: 1 };
  readonly #memory = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNELS * 4);

  constructor() {
    super();
    writeBinding(this.#memory, 0, {
      name: 's',
      type: 4,
      xchans: CHANNELS,
      ychans: 1,
      channelOffset: 0,
      xmin: 0,
      xmax: CHANNELS,
    });
  }

  enter(): () => void {
    return () => undefined;
  }

  refresh(): void {
    this.cache.commit(this.cache.compare(this.#memory));
  }

  /** One count more in the first channel. */
  count(): void {
    this.#memory.writeUInt32LE(this.#memory.readUInt32LE(DISPLAY_HEADER_BYTES) + 1, DISPLAY_HEADER_BYTES);
    this.refresh();
    this.emit('changed');
  }
}

/** The end of a line at the browser. */
class Page {
  /** Messages with frames, without the id. */
  readonly bodies: Uint8Array[] = [];
  readonly socket = Object.assign(new EventEmitter(), {
    readyState: 1,
    OPEN: 1,
    bufferedAmount: 0,
    send: (data: string | Uint8Array, options?: { fin: boolean }, sent?: () => void) => {
      if (typeof data === 'string' || options?.fin !== true) return;
      this.bodies.push(data);
      this.written = sent;
    },
    close: () => undefined,
  });
  /** Reports that the socket has written the last frame. */
  written: (() => void) | undefined;

  constructor(source: Source, packs: boolean) {
    const sender = { signedIn: true, packsFrames: packs };
    void new PageSession(this.socket as unknown as WebSocket, sender, pageServices(source));
    this.send({ kind: 'app', app: 'e1' });
    this.send({ kind: 'show', subscriptions: [VIEW] });
  }

  send(message: unknown): void {
    this.socket.emit('message', Buffer.from(JSON.stringify(message)), false);
  }

  async received(count: number): Promise<Uint8Array> {
    await eventually(() => this.bodies.length === count, `frame ${count}`);
    return this.bodies[count - 1]!;
  }
}

function formOf(body: Uint8Array): number {
  return new DataView(body.buffer, body.byteOffset).getUint32(0, true);
}

describe('the line to a page', () => {
  let source: Source;
  let pages: Page[];

  beforeEach(() => {
    source = new Source();
    pages = [];
  });

  afterEach(() => {
    for (const { socket } of pages) socket.emit('close');
  });

  const open = (packs: boolean): Page => {
    const page = new Page(source, packs);
    pages.push(page);
    return page;
  };

  it('two pages beyond this machine receive the same bytes: a whole frame, then changes', async () => {
    const [one, other] = [open(true), open(true)];
    const first = await one.received(1);
    expect(await other.received(1)).to.equal(first);
    expect(formOf(first)).to.equal(PACKED_WHOLE);
    const whole = unpackFrame(inflateRawSync(first.subarray(4)), undefined);
    source.count();
    for (const page of pages) page.send({ kind: 'ack', id: 1 });
    const second = await one.received(2);
    expect(await other.received(2)).to.equal(second);
    expect(formOf(second)).to.equal(PACKED_CHANGES);
    expect(unpackFrame(inflateRawSync(second.subarray(4)), whole).values[0]).to.equal(1);
  });

  it('a page that missed a frame receives a whole one', async () => {
    const page = open(true);
    await page.received(1);
    page.send({ kind: 'ack', id: 1, again: true });
    expect(formOf(await page.received(2))).to.equal(PACKED_WHOLE);
  });

  it('a slow page receives the changes since its own last frame, not those of faster pages', async () => {
    const [fast, slow] = [open(true), open(true)];
    const whole = unpackFrame(inflateRawSync((await slow.received(1)).subarray(4)), undefined);
    for (let count = 1; count <= 3; count += 1) {
      await fast.received(count);
      fast.send({ kind: 'ack', id: 1 });
      source.count();
    }
    await fast.received(4);
    slow.send({ kind: 'ack', id: 1 });
    const second = await slow.received(2);
    expect(formOf(second)).to.equal(PACKED_CHANGES);
    expect(unpackFrame(inflateRawSync(second.subarray(4)), whole).values[0]).to.equal(3);
  });

  it('a full line receives nothing, and the newest frame when it has room again', async () => {
    const page = open(true);
    const whole = unpackFrame(inflateRawSync((await page.received(1)).subarray(4)), undefined);
    page.socket.bufferedAmount = 2 ** 20;
    page.send({ kind: 'ack', id: 1 });
    for (let count = 0; count < 5; count += 1) source.count();
    expect(page.bodies).to.have.length(1);
    page.socket.bufferedAmount = 0;
    page.written!();
    const newest = await page.received(2);
    expect(unpackFrame(inflateRawSync(newest.subarray(4)), whole).values[0]).to.equal(5);
  });

  it('frames are packed beyond this machine and on request, where the browser can inflate them', () => {
    const packs = (url: string, remoteAddress: string, headers = {}): boolean =>
      packsFrames({ url, headers, socket: { remoteAddress } } as unknown as IncomingMessage);
    expect(packs('/live?frames=packed', '192.0.2.7')).to.equal(true);
    expect(packs('/live', '192.0.2.7')).to.equal(false);
    expect(packs('/live?frames=packed', '127.0.0.1')).to.equal(false);
    expect(packs('/live?frames=packed', '::ffff:127.0.0.1')).to.equal(false);
    expect(packs('/live?frames=packed', '127.0.0.1', { 'x-forwarded-for': '192.0.2.7' })).to.equal(true);
    expect(packs('/live?frames=packed&line=slow', '127.0.0.1')).to.equal(true);
  });
});
