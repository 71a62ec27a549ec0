/** The simulator's gates, projections and runs, by the requests of SpecTcl's REST service. */
import { expect } from 'chai';
import { SpectraView } from '../../client-lib/index.js';
import { startSimulator, type Simulator } from '../../simulator/simulator.js';

interface Envelope {
  readonly status: string;
  readonly detail?: unknown;
}

describe('gates of the simulator', () => {
  let simulator: Simulator;

  beforeEach(async () => {
    simulator = await startSimulator({ rate: 0, checksum: false });
  });

  afterEach(() => simulator.close());

  async function ask(request: string): Promise<Envelope> {
    const answer = await fetch(`http://127.0.0.1:${simulator.restPort}/spectcl/${request}`);
    expect(answer.status).to.equal(200);
    return (await answer.json()) as Envelope;
  }

  async function succeed(request: string): Promise<unknown> {
    const { status, detail } = await ask(request);
    expect(status, JSON.stringify(detail)).to.equal('OK');
    return detail;
  }

  /** The bins of a spectrum without under- and overflow; 1-D. */
  function binsOf(name: string): number[] {
    const { counts } = new SpectraView(simulator.memory).get(name);
    return Array.from(counts.subarray(1, counts.length - 1));
  }

  const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

  it('a spectrum with a slice counts inside the slice only, and a changed slice changes what is counted', async () => {
    await succeed('apply/apply?gate=beam&spectrum=tof');
    simulator.step(20_000);
    const inside = binsOf('tof');
    // 2,000 bins of 0.25 ns from -150 ns: the slice from -20 to 60 ns is bins 520 to 839.
    expect(sumOf(inside)).to.be.greaterThan(1_000);
    expect(sumOf(inside.slice(520, 840))).to.equal(sumOf(inside));
    await succeed('gate/edit?name=beam&type=s&parameter=rf.tof&low=100&high=200');
    await succeed('spectrum/zero?pattern=tof');
    simulator.step(20_000);
    const later = binsOf('tof');
    expect(sumOf(later)).to.be.greaterThan(10);
    expect(sumOf(later.slice(1_000, 1_400))).to.equal(sumOf(later));
    await succeed('ungate?name=tof');
    simulator.step(20_000);
    expect(sumOf(binsOf('tof').slice(0, 900))).to.be.greaterThan(1_000);
  });

  it('a gate on parameters that a spectrum does not have lets the part through that their own spectrum has', async () => {
    await succeed('gate/edit?name=half&type=s&parameter=dssd.x&low=0&high=55');
    await succeed('gate/edit?name=narrow&type=*&gate=half&gate=beam');
    await succeed('apply/apply?gate=half&spectrum=adc.raw');
    await succeed('ungate?name=tof');
    simulator.step(20_000);
    const { counts, binding } = new SpectraView(simulator.memory).get('dssd.hits');
    let left = 0;
    counts.forEach((count, channel) => {
      const x = channel % binding.xchans;
      // Middles of strips 0 to 54, behind the underflow channel.
      if (x >= 1 && x <= 55) left += count;
    });
    const part = left / 10_000;
    const inBeam = sumOf(binsOf('tof').slice(520, 840)) / 10_000;
    expect(sumOf(binsOf('adc.raw')) / 10_000).to.be.closeTo(part, 0.04);
    // Parameters of two spectra, drawn for each event.
    await succeed('apply/apply?gate=narrow&spectrum=adc.raw');
    await succeed('spectrum/zero?pattern=adc.raw');
    simulator.step(20_000);
    expect(sumOf(binsOf('adc.raw')) / 10_000).to.be.closeTo(part * inBeam, 0.04);
  });

  it('contour, band, gamma and compound gates pass what their rules say', async () => {
    const square =
      'xcoord(0)=0&ycoord(0)=0&xcoord(1)=60&ycoord(1)=0&xcoord(2)=60&ycoord(2)=15&xcoord(3)=0&ycoord(3)=15';
    const plane = 'xparameter=si.e&yparameter=si.de';
    await succeed(`gate/edit?name=square&type=c&${plane}&${square}`);
    await succeed('gate/edit?name=low&type=s&parameter=si.e&low=0&high=30');
    await succeed('gate/edit?name=not-low&type=-&gate=low');
    await succeed('gate/edit?name=right&type=*&gate=square&gate=not-low');
    await succeed('apply/apply?gate=right&spectrum=pid.de-vs-e');
    simulator.step(40_000);
    const {
      counts,
      binding: { xchans },
    } = new SpectraView(simulator.memory).get('pid.de-vs-e');
    let inside = 0;
    let all = 0;
    counts.forEach((count, channel) => {
      const [x, y] = [(channel % xchans) - 1, Math.floor(channel / xchans) - 1];
      const [energy, loss] = [((x + 0.5) * 120) / 512, ((y + 0.5) * 30) / 512];
      all += count;
      if (energy > 30 && energy < 60 && loss > 0 && loss < 15) inside += count;
    });
    expect(inside).to.be.greaterThan(100);
    expect(inside).to.equal(all);
    await succeed(`gate/edit?name=band&type=b&${plane}&xcoord(0)=0&ycoord(0)=5&xcoord(1)=120&ycoord(1)=5`);
    await succeed('apply/apply?gate=band&spectrum=pid.de-vs-e');
    await succeed('spectrum/zero?pattern=pid.*');
    simulator.step(40_000);
    const below = new SpectraView(simulator.memory).get('pid.de-vs-e');
    // 5 MeV is bin 85.3; row 0 is underflow.
    expect(below.counts.subarray(0, 87 * xchans).some((count) => count > 0)).to.equal(true);
    expect(below.counts.subarray(87 * xchans).some((count) => count > 0)).to.equal(false);
  });

  it("no event passes a deleted gate until it is defined again; a request's error has SpecTcl's words", async () => {
    await succeed('apply/apply?gate=beam&spectrum=adc.raw');
    await succeed('gate/delete?name=beam');
    simulator.step(10_000);
    expect(sumOf(binsOf('adc.raw'))).to.equal(0);
    const listed = (await succeed('gate/list?pattern=beam')) as readonly object[];
    expect(listed).to.deep.equal([{ name: 'beam', type: 'F' }]);
    const refused = async (request: string): Promise<string> => {
      const { status, detail } = await ask(request);
      return `${status}|${String(detail)}`;
    };
    expect(await refused('gate/edit?type=s')).to.equal('missing Parameter|name');
    expect(await refused('gate/edit?name=g&type=s&parameter=rf.tof&low=1')).to.equal(
      'missing parameter|high',
    );
    expect(await refused('gate/edit?name=g&type=zz')).to.equal('bad parameter|Invalid gate type: zz');
    const twoPoints = 'xcoord(0)=0&ycoord(0)=0&xcoord(1)=6&ycoord(1)=0';
    expect(await refused(`gate/edit?name=g&type=c&xparameter=si.e&yparameter=si.de&${twoPoints}`)).to.equal(
      'insufficient points|{0 0} {6 0}',
    );
    expect(await refused('gate/edit?name=g&type=s&parameter=none&low=1&high=2')).to.match(
      /^command failed\|none/,
    );
    expect(await refused('gate/delete?name=none')).to.equal('not found|none');
    expect(await refused('apply/apply?gate=none&spectrum=tof')).to.match(/^'apply' command failed\|/);
  });

  it('gates that change are in the traces of clients', async () => {
    const token = String(await succeed('trace/establish?retention=60'));
    await succeed('gate/edit?name=new&type=s&parameter=rf.tof&low=1&high=2');
    await succeed('gate/edit?name=new&type=s&parameter=rf.tof&low=1&high=3');
    await succeed('gate/delete?name=new');
    const { gate } = (await succeed(`trace/fetch?token=${token}`)) as { readonly gate: string[] };
    expect(gate).to.deep.equal(['add new', 'changed new', 'delete new']);
  });

  it('a projection has the sums of its source, within a contour those inside, and counts on unless it is a snapshot', async () => {
    await succeed('ungate?name=pid.de-vs-e');
    simulator.step(20_000);
    const source = new SpectraView(simulator.memory).get('pid.de-vs-e');
    const columns = Array.from({ length: 512 }, () => 0);
    source.counts.forEach((count, channel) => {
      const [x, y] = [(channel % source.binding.xchans) - 1, Math.floor(channel / source.binding.xchans) - 1];
      if (x >= 0 && x < 512 && y >= 0 && y < 512) columns[x]! += count;
    });
    await succeed('project?snapshot=true&source=pid.de-vs-e&newname=px&direction=x');
    await succeed('project?snapshot=false&source=pid.de-vs-e&newname=pa&direction=x&contour=alpha');
    expect(binsOf('px')).to.deep.equal(columns);
    expect(sumOf(binsOf('pa'))).to.be.within(1, sumOf(columns) - 1);
    const before = sumOf(binsOf('pa'));
    simulator.step(10_000);
    expect(binsOf('px')).to.deep.equal(columns);
    expect(sumOf(binsOf('pa'))).to.be.greaterThan(before);
    expect((await ask('project?snapshot=true&source=tof&newname=p&direction=x')).status).to.match(
      /'project' command failed/,
    );
  });

  it('a spectrum that is created counts events of its parameter, and one that exists is refused', async () => {
    const request =
      'spectrum/create?name=tof.coarse&type=1&parameters=rf.tof&axes=%7B-100%20100%20100%7D&chantype=long';
    await succeed(request);
    simulator.step(10_000);
    expect(binsOf('tof.coarse')).to.have.length(100);
    expect(sumOf(binsOf('tof.coarse'))).to.be.greaterThan(1_000);
    expect((await ask(request)).status).to.equal('command failed');
    await succeed('spectrum/delete?name=tof.coarse');
    expect((await ask('spectrum/delete?name=tof.coarse')).status).to.equal('not found');
  });

  it('a run that is stopped is halted, and the next one has the next number', async () => {
    const variables = async (): Promise<Record<string, string>> =>
      (await succeed('shmem/variables')) as Record<string, string>;
    expect(await variables()).to.include({ RunState: 'Halted', RunNumber: '1' });
    await succeed('start');
    expect(await variables()).to.include({ RunState: 'Active', RunNumber: '2' });
    await succeed('stop');
    expect(await variables()).to.include({ RunState: 'Halted', RunNumber: '2' });
    simulator.startRun('Calibration with Eu-152');
    expect(await variables()).to.include({ RunTitle: 'Calibration with Eu-152', RunNumber: '3' });
  });
});
