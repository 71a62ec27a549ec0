/** Layouts on the server: what is kept, and what is refused. Calibrations have the same store. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { MirrorflowError } from '../../../protocol/base/errors.js';
import { AppRecords } from '../../../web/server/app-records.js';
import type { Applications } from '../../../web/server/applications.js';
import { setLayout } from '../../../web/server/layout-requests.js';
import { LAYOUTS } from '../../../web/server/layouts.js';
import type { Layout } from '../../../web/wire/layout.js';
import { failureOf } from '../../kit/failure-of.js';
import { silent } from '../../kit/silent-log.js';

const ADDRESS = '#/e1?cols=2&p=tof&p=ge.00;s=log';

describe('layouts on the server', () => {
  let directory: string;
  let layouts: AppRecords<Layout>;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    layouts = new AppRecords(directory, LAYOUTS, silent);
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const applications = (): Applications =>
    ({
      layouts,
      knows: (app: string) => Promise.resolve(app === 'e1'),
    }) as unknown as Applications;

  const set = (body: unknown): Promise<object> =>
    setLayout(applications(), () => true, typeof body === 'string' ? body : JSON.stringify(body));

  it('a layout is kept for all pages, is there after a restart, and is removed', async () => {
    const changed: string[] = [];
    layouts.on('changed', (app) => changed.push(app));
    await set({ app: 'e1', name: 'day shift', address: ADDRESS });
    expect(layouts.of('e1')).to.deep.equal({ 'day shift': { address: ADDRESS } });
    const next = new AppRecords(directory, LAYOUTS, silent);
    expect(next.of('e1')).to.deep.equal({ 'day shift': { address: ADDRESS } });
    await set({ app: 'e1', name: 'day shift', address: null });
    expect(new AppRecords(directory, LAYOUTS, silent).of('e1')).to.deep.equal({});
    expect(changed).to.deep.equal(['e1', 'e1']);
    expect(readdirSync(directory)).to.deep.equal(['layouts-e1.json']);
  });

  it('an address is kept for its application, without what no page understands', async () => {
    await set({ app: 'e1', name: 'a', address: '#/-/network/other?x=<script>&p=tof;zz=1' });
    expect(layouts.of('e1')['a']).to.deep.equal({ address: '#/e1?p=tof' });
  });

  it('a layout without plots, name or application is refused', async () => {
    const cases: [body: unknown, code: string][] = [
      ['no JSON', 'BAD_OPTION'],
      [{ app: 'e1', name: 'a', address: '#/e1' }, 'BAD_OPTION'],
      [{ app: 'e1', name: 'a', address: 7 }, 'BAD_OPTION'],
      [{ app: 'e1', name: '', address: ADDRESS }, 'BAD_OPTION'],
      [{ app: 'e1', name: ' a', address: ADDRESS }, 'BAD_OPTION'],
      [{ app: 'e1', name: 'a\nb', address: ADDRESS }, 'BAD_OPTION'],
      [{ app: 'e1', name: 'x'.repeat(41), address: ADDRESS }, 'BAD_OPTION'],
      [{ app: 'e2', name: 'a', address: ADDRESS }, 'UNKNOWN_APPLICATION'],
    ];
    for (const [body, code] of cases) {
      const error = (await failureOf(set(body))) as MirrorflowError;
      expect(error.code, JSON.stringify(body)).to.equal(code);
    }
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it('more layouts than the limit are refused, and an existing one can still be changed', async () => {
    for (let index = 0; index < LAYOUTS.recordsMax; index += 1) {
      await set({ app: 'e1', name: `layout ${index}`, address: ADDRESS });
    }
    const error = (await failureOf(
      set({ app: 'e1', name: 'one more', address: ADDRESS }),
    )) as MirrorflowError;
    expect(error.code).to.equal('LIMIT_REACHED');
    await set({ app: 'e1', name: 'layout 0', address: '#/e1?p=tof' });
    expect(layouts.of('e1')['layout 0']).to.deep.equal({ address: '#/e1?p=tof' });
  });

  it('entries of a file that are no layouts are left out', () => {
    const entries = { good: { address: ADDRESS }, bad: { address: 'https://evil.example' }, other: 3 };
    writeFileSync(join(directory, 'layouts-e1.json'), JSON.stringify(entries));
    expect(layouts.of('e1')).to.deep.equal({ good: { address: ADDRESS } });
  });
});
