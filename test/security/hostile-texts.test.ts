/**
 * Texts of a hostile SpecTcl: control characters and terminal escapes in its replies neither hide
 * why a mirror does not start, nor reach a terminal.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { Logger } from '../../protocol/base/log.js';
import { printableText } from '../../protocol/base/printable.js';
import { RealSystem } from '../kit/real-system.js';
import { rejection } from '../protocol/rpc/xml-rpc/outcome.js';

const HOSTILE = 'no\u0000such \u001b[2J\u001b]0;title\u0007\r\nthing\ufffe\ud800\u202e\u009b31m';
// oxlint-disable-next-line no-control-regex -- the expression finds these characters
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202e\ufffe]|\p{Surrogate}/u;

describe('texts of a hostile SpecTcl', () => {
  let system: RealSystem;
  let server: Server;

  beforeEach(async () => {
    system = new RealSystem();
    server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ status: HOSTILE, detail: HOSTILE }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async function () {
    server.closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
    await system.stop(this.currentTest?.state === 'failed');
  });

  it('the reason of a refusal arrives at the client that opens the mirror, without its escapes', async () => {
    const { port } = server.address() as AddressInfo;
    await system.startHost();
    await system.host.run({ name: 'e1', source: `spectcl://127.0.0.1?rest=${port}&mirror=${port}` });
    const client = await system.client('e1');
    const { code, message } = await rejection(client.mirror());
    expect(code).to.equal('SOURCE_REFUSED');
    expect(message).to.contain('such').and.to.contain('thing');
    expect(message).not.to.match(CONTROL);
  });

  it('a text log shows any text on one line and without escapes', () => {
    const lines: string[] = [];
    const log = new Logger('test', { format: 'text', sink: (line) => lines.push(line) });
    log.warn(`refused: ${HOSTILE}`, { reason: HOSTILE, [HOSTILE]: 1, nested: { HOSTILE } });
    // oxlint-disable-next-line no-control-regex -- the colours that the log itself writes
    const withoutColours = (lines[0] ?? '').replace(/\u001b\[\d+m/gu, '').replace(/\n$/, '');
    expect(withoutColours).not.to.match(CONTROL);
    expect(lines).to.have.length(1);
  });

  it('printable texts stay as they are', () => {
    for (const text of ['', 'plain', 'Zähler für γ 🎉', 'e\u0301'])
      expect(printableText(text)).to.equal(text);
  });
});
