/**
 * `import 'mirrorflow'` in other directories: one file, which needs only the flow thread's file.
 */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { RealSystem } from '../kit/real-system.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LIBRARY = fileURLToPath(import.meta.resolve('mirrorflow'));

const CONSUMER = `
import { Client, MirrorflowError, connect, isMirrorflowError } from 'mirrorflow';
const [app, directory] = process.argv.slice(2);
const client = await connect({ app, name: 'elsewhere', directory });
const refused = await client.openInput('events', { history: 40_000 }).catch((error) => error);
const unknown = await client.openInput('nothing').catch((error) => error);
const flow = await client.openInput('events', { history: 4 });
const buffer = await flow.take();
console.log(JSON.stringify({
  taken: Buffer.from(buffer.data).toString(),
  ofThread: [refused.code, refused instanceof MirrorflowError],
  ofServer: [unknown.code, isMirrorflowError(unknown)],
  client: client instanceof Client,
}));
await client.close();
`;

const TYPED = `
import { connect, type FlowBuffer, type InputFlow } from 'mirrorflow';
const client = await connect({ app: 'e1' });
export const flow: InputFlow = await client.openInput('events', { history: 4 });
export const buffer: FlowBuffer | undefined = flow.takeNow();
// @ts-expect-error -- only the session reattaches a flow
void flow.reattach;
// @ts-expect-error -- a history is a number of buffers
await client.openInput('events', { history: 'long' });
`;

const APP = 'e1';

describe('the package', () => {
  let elsewhere: string;
  beforeEach(() => {
    elsewhere = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    writeFileSync(join(elsewhere, 'package.json'), '{ "type": "module" }');
    mkdirSync(join(elsewhere, 'node_modules'));
  });
  afterEach(() => rmSync(elsewhere, { recursive: true, force: true }));

  it('the bundled library has a source map that leads to its sources', () => {
    const [, map = ''] = /^\/\/# sourceMappingURL=(.+)$/m.exec(readFileSync(LIBRARY, 'utf8')) ?? [];
    const { sources } = JSON.parse(readFileSync(join(dirname(LIBRARY), map), 'utf8')) as {
      sources: string[];
    };
    const source = sources.find((name) => name.endsWith('client-lib/session/connect.ts')) ?? 'none';
    expect(existsSync(join(dirname(LIBRARY), source))).to.equal(true);
  });

  it('the package gives types to programs in other directories', async () => {
    symlinkSync(ROOT, join(elsewhere, 'node_modules/mirrorflow'));
    symlinkSync(join(ROOT, 'node_modules/@types'), join(elsewhere, 'node_modules/@types'));
    writeFileSync(join(elsewhere, 'program.ts'), TYPED);
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const options = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2023', '--module', 'nodenext'];
    const { stdout } = await run(process.execPath, [compiler, ...options, '--types', 'node', 'program.ts'], {
      cwd: elsewhere,
    }).catch((error: unknown) => error as { stdout: string });
    expect(stdout).to.equal('');
  });

  describe('installed by itself', () => {
    let system: RealSystem;
    before(async () => {
      system = new RealSystem();
      await system.startHost(APP);
    });
    after(() => system.stop(false));

    it('a program with only the installed files reads a flow, and errors have one class', async () => {
      const installed = join(elsewhere, 'node_modules/mirrorflow');
      const files = ['package.json', LIBRARY.slice(ROOT.length), 'dist/programs/flow-thread.cjs'];
      for (const file of files) cpSync(join(ROOT, file), join(installed, file));
      cpSync(join(ROOT, 'addons'), join(installed, 'addons'), { recursive: true });
      const program = join(elsewhere, 'consumer.js');
      writeFileSync(program, CONSUMER);
      const provider = await system.client(APP, 'provider');
      const out = await provider.openOutput('events', { bufferSize: 65_536, buffers: 4 });
      await out.write(Buffer.from('from elsewhere'));
      const { stdout } = await run(process.execPath, [program, APP, provider.directory], { cwd: elsewhere });
      expect(JSON.parse(stdout)).to.deep.equal({
        taken: 'from elsewhere',
        ofThread: ['TOO_LARGE', true],
        ofServer: ['UNKNOWN_FLOW', true],
        client: true,
      });
    });
  });
});
