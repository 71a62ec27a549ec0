/** Recordings that are played as applications: flows, mirrors and the answers of their SpecTcl. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { SpectraView } from '../../client-lib/index.js';
import { parseAddress } from '../../protocol/base/address.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { Recording } from '../../recorder/read/recording.js';
import { describeRecording } from '../../recorder/read/verify.js';
import { eventually } from '../kit/eventually.js';
import { RealSystem } from '../kit/real-system.js';
import { needsPython } from '../kit/requirements.js';
import type { TestProcess } from '../kit/test-process.js';
import { FIXTURES, Viewer, gatewayOf, rest, type SeenUpdate } from './gateway-system.js';

const CONSOLE = 'console/main.js';
/** Between two looks at a recording, which read the file: the simulator needs the thread. */
const LOOK_MS = 200;
const KIB = 1024;
const LISTS = ['spectrum/list', 'gate/list', 'apply/list', 'version'];

describe('a recording that is played', () => {
  let system: RealSystem;
  let directory: string;

  beforeEach(() => {
    system = new RealSystem();
    directory = join(system.root, 'recordings');
    mkdirSync(directory);
  });

  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  const run = async (text: string, ...words: string[]): Promise<TestProcess> => {
    const program = system.program(CONSOLE, words);
    await program.until(() => program.errors.includes(text));
    return program;
  };

  const paths = (): string[] => readdirSync(directory).map((name) => join(directory, name));

  it('a played flow equals the recorded one, byte for byte, with times and flags', async () => {
    await system.startHost('e1');
    const client = await system.client('e1');
    const output = await client.openOutput('events', {
      bufferSize: 16 * KIB,
      buffers: 32,
      type: 'json',
      properties: { json: { version: 3 } },
    });
    const recorder = await run('attached to the', 'record', 'events', '--app', 'e1', '-o', directory);
    const sent = createHash('sha256');
    const count = 3_000;
    for (let index = 0; index < count; index += 1) {
      const slot = await output.reserve();
      const size = 8 + ((index * 7_919) % (16 * KIB - 8));
      slot.data.fill(index & 0xff, 0, size);
      const timestampNs = 1_700_000_000_000_000_000 + index * 2_048;
      sent.update(slot.data.subarray(0, size)).update(`${timestampNs} ${index % 5}`);
      slot.commit(size, { flags: index % 5, timestampNs });
    }
    await output.close();
    await eventually(
      () => delay(LOOK_MS).then(() => paths().some((path) => describeRecording(path).messages === count)),
      'all buffers are recorded',
    );
    expect(await recorder.stop()).to.equal(0);

    const refused = system.program(CONSOLE, ['play', directory, '--app', 'e1']);
    expect(await refused.end()).to.equal(1);
    expect(refused.errors).to.contain('e1 is a live application');

    const player = await run('playing as e1.replay', 'play', directory, '--paused', '--speed', 'max');
    const viewer = await system.client('e1.replay');
    const info = (await viewer.flows()).find(({ flow }) => flow === 'events');
    expect(info).to.include({ type: 'json', bufferSize: 16 * KIB, buffers: 32 });
    const flow = await viewer.openInput('events');
    await system.program(CONSOLE, ['player', 'resume', '--app', 'e1.replay']).success();
    const received = createHash('sha256');
    for (let index = 0; index < count; index += 1) {
      const buffer = await flow.take();
      if (buffer === undefined) throw new Error(`the flow ended after ${index} buffers`);
      received.update(buffer.bytes).update(`${buffer.timestampNs} ${buffer.flags}`);
    }
    expect(received.digest('hex')).to.equal(sent.digest('hex'));
    await flow.close();
    await player.success();
    expect((await system.host.applications()).find(({ name }) => name === 'e1.replay')?.state).not.to.equal(
      'running',
    );
  });

  it('the mirror of a played recording is bit for bit the display memory of every moment, and refuses changes', async () => {
    const simulator = await system.simulator({ rate: 20_000, intervalMs: 20, channelBytes: 2_048 * KIB });
    await system.startHost();
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 100 });
    const recorder = await run(
      'attached to the',
      'record',
      'spectra',
      '--app',
      'e1',
      '--every',
      '200ms',
      '-o',
      directory,
    );
    await eventually(
      () => delay(LOOK_MS).then(() => paths().some((path) => describeRecording(path).messages > 8)),
      'some publications are recorded',
    );
    simulator.define({
      name: 'late',
      type: 4,
      axes: [{ parameter: 'p', low: 0, high: 100, bins: 100, unit: '' }],
    });
    await eventually(async () => {
      await delay(LOOK_MS);
      const recording = new Recording(paths());
      const found = recording.answerAt('spectrum/list', Infinity)?.includes('"late"') === true;
      recording.close();
      return found;
    }, 'the new spectrum is recorded');
    expect(await recorder.stop()).to.equal(0);
    await system.host.stop('e1');

    const player = await run('playing as', 'play', directory, '--paused');
    const viewer = await system.client('e1.replay');
    const mirror = await viewer.mirror();
    const recording = new Recording(paths());
    const startNs = recording.cursor('spectra').firstNs ?? 0;
    const { endNs = 0 } = recording.span ?? {};
    for (const part of [0.9, 0.2, 0.6, 1]) {
      const moment = new Date(Math.ceil((startNs + part * (endNs - startNs)) / 1e6));
      const expected = recording.publicationAt('spectra', moment.getTime() * 1e6);
      if (expected === undefined) throw new Error(`no publication at ${part}`);
      await system.program(CONSOLE, ['player', 'seek', moment.toISOString(), '--app', 'e1.replay']).success();
      await eventually(
        () => mirror.read(({ memory }) => expected.memory.equals(memory)),
        `the mirror shows the moment ${part}`,
      );
    }
    const source = (await system.host.applications()).find(({ name }) => name === 'e1.replay')?.source ?? '';
    const { host, rest } = parseAddress(source, { schemes: ['spectcl'] });
    const service = new SpecTclRest({ host, port: Number(rest) });
    const names = (await service.spectra()).map(({ name }) => name);
    expect(names).to.include('late');
    expect((await service.spectra('to*')).map(({ name }) => name)).to.deep.equal(['tof']);
    expect((await service.gates()).length).to.be.greaterThan(0);
    const refusal = await service.zero().catch((error: unknown) => String(error));
    expect(refusal).to.contain('this is a recording');
    service.close();
    recording.close();
    expect(await player.stop()).to.equal(0);
  });

  it('an old viewer sees the past through the gateway of a played recording, and can change nothing', async function () {
    needsPython(this);
    const simulator = await system.simulator({ rate: 0, channelBytes: 2_048 * KIB });
    simulator.step(5_000);
    await system.startHost();
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20 });
    const recorder = await run('attached to the', 'record', 'spectra', '--app', 'e1', '--every', '0', '-o', directory); // prettier-ignore
    await eventually(async () => {
      await delay(LOOK_MS);
      const recording = new Recording(paths());
      const answered = recording.answerAt('apply/list', Infinity) !== undefined;
      const shown = recording.publicationAt('spectra', Infinity)?.memory;
      recording.close();
      // A publication has the channels that spectra use.
      return answered && shown?.equals(simulator.memory.subarray(0, shown.length)) === true;
    }, 'the spectra and the lists are recorded');
    expect(await recorder.stop()).to.equal(0);
    const live: Record<string, unknown> = {};
    for (const request of LISTS) live[request] = (await rest(simulator.restPort, request)).detail;
    const memory = createHash('sha256').update(simulator.memory).digest('hex');
    await system.host.stop('e1');
    simulator.step(5_000);

    const player = await run('playing as', 'play', directory, '--paused');
    await system
      .program(CONSOLE, ['gateway', 'e1.replay', '--rest', '0', '--mirror', '0', '--allow-changes'])
      .success();
    const { restPort, mirrorPort } = await gatewayOf(await system.client('e1.replay'));
    await system
      .program(CONSOLE, ['player', 'seek', new Date().toISOString(), '--app', 'e1.replay'])
      .success();
    for (const request of LISTS)
      expect((await rest(restPort, request)).detail, request).to.deep.equal(live[request]);
    const cutiePie = ['127.0.0.1', String(restPort), String(mirrorPort), '1'];
    const { viewer } = await Viewer.start('python3', [`${FIXTURES}/cutiepie_like.py`, ...cutiePie]);
    try {
      const ask = async (line: object): Promise<unknown> =>
        JSON.parse(await viewer.ask(JSON.stringify(line)));
      await eventually(async () => {
        const [update] = (await ask({ do: 'update' })) as SeenUpdate[];
        return update?.memory === memory;
      }, 'the viewer sees the recorded display memory');
      expect(await ask({ do: 'names' })).to.deep.equal(
        new SpectraView(simulator.memory).list().map(({ name }) => name),
      );
    } finally {
      await viewer.end();
    }
    for (const change of ['spectrum/zero?pattern=*', 'gate/delete?name=any', 'attach/attach?type=file']) {
      const { http, status } = await rest(restPort, change);
      expect(http, change).to.equal(200);
      expect(status, change).to.match(/^this is a recording: .* nothing can be changed$/);
    }
    expect(await player.stop()).to.equal(0);
  });
});
