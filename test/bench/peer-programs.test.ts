/**
 * The programs of other projects beside which `fanout` and `spectcl` are measured. The programs are
 * scripts here that check their arguments and print what the real ones print.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { aeronRates, fitsAeron, parseAeronReports } from '../../bench/aeron-peer.js';
import { compiledProgram } from '../../bench/c-programs.js';
import { fanoutPeers } from '../../bench/fanout-peers.js';
import { libzmqRates, parseLibzmqThroughput } from '../../bench/libzmq-peer.js';
import { checkPeerPrograms } from '../../bench/peer-programs.js';
import { ownClientCpuMs } from '../../bench/spectcl-own-client.js';
import { startSimulator } from '../../simulator/simulator.js';
import { failureOf } from '../kit/failure-of.js';
import { hasProgram } from '../kit/c-compiler.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const LOCAL_THR = `message size: 128 [B]
message count: 1000000
mean throughput: 4123456 [msg/s]
mean throughput: 4222.419 [Mb/s]
`;
const RATE_SUBSCRIBER = `Subscribing to channel aeron:ipc on Stream ID 1001
Subscription channel status 1
Available image on aeron:ipc streamId=1001 sessionId=-1482372466 from aeron:ipc
1000ms, 1.1e+06 msgs/sec, 1.408e+08 bytes/sec, totals 1100000 messages 134 MB payloads
1000ms, 2.8e+07 msgs/sec, 3.584e+09 bytes/sec, totals 29100000 messages 3552 MB payloads
1001ms, 2.7e+07 msgs/sec, 3.456e+09 bytes/sec, totals 56100000 messages 6848 MB payloads
Shutting down...
`;
const SHAPE = { consumers: 1, size: 128, buffers: 64, copies: false };

describe('programs of other projects beside ours', function () {
  this.timeout(60_000);
  let temporary: TemporaryDirectory;
  let directory: string;

  beforeEach(() => {
    temporary = new TemporaryDirectory();
    directory = temporary.path;
  });

  afterEach(() => {
    temporary.remove();
  });

  function script(name: string, body: string): string {
    const path = join(directory, name);
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  const logged = (): string[] => readFileSync(join(directory, 'log'), 'utf8').trim().split('\n');

  it('without options no peer is added, and no program is needed', () => {
    checkPeerPrograms({});
    const names = fanoutPeers({}).map(({ name }) => name);
    expect(names).to.include('C').and.not.include.members(['Aeron', 'libzmq']);
  });

  it('a folder without the programs is refused with the option and the missing program', () => {
    const path = join(directory, 'aeronmd');
    expect(() => checkPeerPrograms({ aeron: directory })).to.throw(`--aeron needs the program ${path}`);
    script('local_thr', '');
    expect(() => checkPeerPrograms({ libzmq: directory })).to.throw('remote_thr');
    script('remote_thr', '');
    checkPeerPrograms({ libzmq: directory, spectclClient: script('mirrorclient', '') });
  });

  it('libzmq moves as many messages as fit the duration, after a short run, to one consumer', async () => {
    const log = `echo "$2 $3" >> ${join(directory, 'log')}`;
    script('local_thr', `case "$1" in ipc://*) ;; *) exit 1 ;; esac\n${log}\ncat <<END\n${LOCAL_THR}END`);
    script('remote_thr', 'exit 0');
    const rates = await libzmqRates(directory, SHAPE, directory, 500);
    expect(rates).to.include({ buffersEach: 4_123_456, bytesTogether: 4_123_456 * 128 });
    expect(logged()).to.deep.equal(['128 100000', '128 2061728']);
    const [peer] = fanoutPeers({ libzmq: directory });
    expect([1, 4].map((consumers) => peer?.isFor({ ...SHAPE, consumers }))).to.deep.equal([true, false]);
  });

  it('Aeron gets a driver, a publisher and a subscriber of each consumer, and nothing stays', async () => {
    const log = `echo "$0 $AERON_DIR $*" >> ${join(directory, 'log')}`;
    const untilInterrupted = 'while :; do sleep 0.05; done';
    script('aeronmd', `${log}\nmkdir "$AERON_DIR"\ntrap 'exit 0' INT\n${untilInterrupted}`);
    script('streaming_publisher', `${log}\ntrap 'exit 0' INT\n${untilInterrupted}`);
    const report = `trap 'cat <<END\n${RATE_SUBSCRIBER}END\nexit 0' INT`;
    script('rate_subscriber', `${log}\n${report}\n${untilInterrupted}`);
    const rates = await aeronRates(directory, { ...SHAPE, consumers: 2 }, 1);
    expect(rates).to.include({ buffersEach: 2.75e7, bytesTogether: 2 * 2.75e7 * 128 });
    const [driver = '', ...others] = logged();
    const aeronDirectory = driver.split(' ')[1] ?? '';
    expect(() => mkdirSync(join(aeronDirectory, 'left'))).to.throw('ENOENT');
    const options = `-p ${aeronDirectory} -c aeron:ipc -s 1001`;
    expect(others.map((line) => line.replace(/^\S*\//, '').replace(/ \S+/, '')).toSorted()).to.deep.equal([
      `rate_subscriber ${options}`,
      `rate_subscriber ${options}`,
      `streaming_publisher ${options} -L 128 -m 1000000000000 -l 0`,
    ]);
  });

  it("SpecTcl's client is measured through a relay and ends when its connection closes", async function () {
    if (!hasProgram('cc')) skip(this, 'a C compiler (cc) is not installed');
    const channelBytes = 2 * 2 ** 20;
    const inC = compiledProgram('c-mirror', directory);
    const arguments_ = `"$1 $2 $3 $5 $7" = "--host localhost --restport --mirrorport --user"`;
    const client = script('mirrorclient', `[ ${arguments_} ] && exec ${inC} "$6" ${channelBytes} 100`);
    const simulator = await startSimulator({ channelBytes, rate: 0 });
    try {
      const cpuMs = await ownClientCpuMs(client, simulator, channelBytes, 100);
      expect(cpuMs).to.be.within(0, 1_000);
      const failing = script('failing', 'exit 1');
      const error = await failureOf(ownClientCpuMs(failing, simulator, channelBytes, 100));
      expect(error.message).to.include('ended before its first updates');
    } finally {
      await simulator.close();
    }
  });
});

describe('what programs of other projects print', () => {
  it('the throughput of libzmq is messages a second; another output is an error', () => {
    expect(parseLibzmqThroughput(LOCAL_THR)).to.equal(4_123_456);
    expect(() => parseLibzmqThroughput('error in zmq_bind: Address in use\n')).to.throw('no throughput');
  });

  it('the rates of Aeron are those of all reports but the first; another output is an error', () => {
    expect(parseAeronReports(RATE_SUBSCRIBER)).to.deep.equal([2.8e7, 2.7e7]);
    expect(() => parseAeronReports('aeron_init: driver timeout\n')).to.throw('no rates');
  });

  it('messages above an eighth of a term buffer are not measured with Aeron', () => {
    const sizes = [8 * 2 ** 20, 8 * 2 ** 20 + 1];
    expect(sizes.map((size) => fitsAeron({ ...SHAPE, size }))).to.deep.equal([true, false]);
  });
});
