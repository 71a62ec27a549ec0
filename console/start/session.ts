/**
 * `mirrorflow start` from its first process to its last: host server, simulator, application,
 * mirror; then the watch over them; then everything it started ends again, in the opposite order,
 * whatever has become of it meanwhile.
 */
import { connect, connectHost, type Client, type Mirror } from '../../client-lib/index.js';
import { clientDirectories } from '../../protocol/base/paths.js';
import { describeError } from '../../protocol/base/errors.js';
import type { CommandContext } from '../command.js';
import { ratesBetween, type Look } from '../flow-statistics.js';
import { runningHost } from '../host-process/launch.js';
import { interruptible, pause } from '../interruption.js';
import { cutTo, printable } from '../render/printable.js';
import { announcement, pulseLine, type MirrorFacts } from './announcement.js';
import { runApplication } from './application.js';
import { StartHost } from './own-host.js';
import { SimulatorProcess } from './simulator.js';
import { webAddress } from './web-address.js';

export interface StartWishes {
  readonly app: string;
  /** A spectcl address; undefined: the embedded simulator. */
  readonly spectcl: string | undefined;
  readonly updateIntervalMs: number | undefined;
}

const FLOW = 'spectra';
const PULSE_MS = 1_000;

type Undo = { readonly what: string; readonly undo: () => Promise<void> };

/**
 * Resolves when it was interrupted and everything has ended. Throws why it could not start; nothing
 * is left then either.
 */
export async function startSession(context: CommandContext, wishes: StartWishes): Promise<void> {
  const session = new Session(context);
  try {
    await session.open(wishes);
    await session.pulse();
  } catch (error) {
    // Interrupted while it was starting: that is an end as wanted.
    if (!context.signal.aborted) throw error;
  } finally {
    await session.end();
  }
}

class Session {
  readonly #context: CommandContext;
  /** What has been started, the newest last. */
  readonly #undo: Undo[] = [];
  #client: Client | undefined;
  #mirror: Mirror | undefined;
  #ending = false;
  /** Whether the line the cursor stands on is the pulse. */
  #pulsing = false;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async open({ app, spectcl, updateIntervalMs }: StartWishes): Promise<void> {
    const { signal } = this.#context;
    const host = await StartHost.obtain(this.#context, (text) => this.#say(text));
    this.#undo.push({ what: 'the host server', undo: () => host.end() });
    const source = spectcl ?? (await this.#simulator());
    const { directory } = host.info;
    const connection = await interruptible(signal, connectHost({ directory }), close);
    try {
      const run = runApplication(connection, {
        name: app,
        source,
        ...(updateIntervalMs === undefined ? {} : { updateIntervalMs }),
      });
      // Awaited whatever happens: an application that comes up after the interruption is to be
      // stopped as well.
      if (await run)
        this.#undo.push({ what: `the application ${app}`, undo: () => stopApplication(host, app) });
    } finally {
      void connection.close();
    }
    const client = await interruptible(
      signal,
      connect({ app, name: 'start', program: 'mirrorflow start', directory }),
      close,
    );
    this.#client = client;
    this.#undo.push({ what: 'the mirror', undo: () => client.close() });
    this.#mirror = await interruptible(signal, client.mirror());
    await this.#announce(host, { app, source, simulator: spectcl === undefined });
    this.#watch(client, this.#mirror);
  }

  /**
   * Until the interruption: one line that is kept up to date on a terminal, written once elsewhere.
   */
  async pulse(): Promise<void> {
    const { output, signal } = this.#context;
    let before: Look | undefined;
    for (let looks = 0; !signal.aborted; looks += 1) {
      await pause(looks === 0 ? 0 : PULSE_MS, signal);
      if (signal.aborted || output.json || (!output.abilities.repaint && looks > 1)) continue;
      const counters = await this.#client?.statistics(FLOW).catch(() => undefined);
      // Aborted while it was asked, or the app server is away, which is said elsewhere.
      if (counters === undefined || signal.aborted) continue;
      const look: Look = { atMs: performance.now(), counters };
      const rates = before === undefined ? {} : ratesBetween(look, before);
      before = look;
      if (looks === 0) continue;
      this.#show(
        pulseLine({
          state: this.#mirror?.state ?? 'ended',
          published: counters['published'] ?? 0,
          updates: rates['updates'],
          bytes: rates['publishedBytes'],
        }),
      );
    }
  }

  async end(): Promise<void> {
    this.#ending = true;
    if (this.#undo.length > 0 && this.#context.signal.aborted) this.#say('Ending what was started.');
    for (const { what, undo } of this.#undo.toReversed()) {
      try {
        await undo();
      } catch (error) {
        this.#say(`${what} could not be ended: ${describeError(error)}`);
      }
    }
  }

  async #simulator(): Promise<string> {
    const simulator = await SimulatorProcess.start();
    this.#undo.push({ what: 'the simulator', undo: () => simulator.stop() });
    void simulator.ended.then((how) => {
      if (!this.#ending)
        this.#say(`The simulator has ended (${how}): nothing changes any more. Ctrl-C ends.`);
    });
    return simulator.address;
  }

  #watch(client: Client, mirror: Mirror): void {
    client.on('disconnected', () => {
      if (!this.#ending) this.#say('The app server is away; the mirror goes on without it.');
    });
    client.on('reconnected', () => this.#say('The app server is back.'));
    mirror.on('state', (state) => {
      if (this.#ending) return;
      if (state === 'live') this.#say('The mirror is live.');
      else this.#say(`The mirror is ${state}: displays keep the last data.`);
    });
  }

  async #announce(
    host: StartHost,
    { app, source, simulator }: Pick<MirrorFacts, 'app' | 'source' | 'simulator'>,
  ): Promise<void> {
    const { output, env } = this.#context;
    const client = this.#client;
    const mirror = this.#mirror;
    if (client === undefined || mirror === undefined) return;
    const flows = await client.flows();
    const { spectra, spectrum } = mirror.read((view) => {
      const all = view.list();
      // One whose name can be typed.
      const named = all.filter(({ name }) => printable(name) === name);
      const plain = named.find(({ binding, name }) => binding.dimensions === 1 && name !== 'checksum');
      return { spectra: all.length, spectrum: (plain ?? named[0])?.name };
    });
    const image = flows.find(({ flow }) => flow === FLOW)?.image;
    const { directory, pid } = host.info;
    const memoryBytes = mirror.memory.byteLength;
    const web = await webAddress(directory, this.#context.signal);
    if (output.json) {
      const hostServer = { pid, own: host.isOwn };
      return output.value({
        ready: true,
        app,
        source,
        simulator,
        directory,
        hostServer,
        web,
        spectra,
        memoryBytes,
        image,
        pid: process.pid,
      });
    }
    const usual = clientDirectories({
      env: { ...env, MIRRORFLOW_DIR: undefined },
      uid: process.geteuid?.() ?? 0,
    });
    const others = await applicationsBeside(directory, app);
    const options = [
      ...(usual.includes(directory) ? [] : ['--directory', directory]),
      ...(others ? ['--app', app] : []),
    ];
    const facts = { app, source, simulator, web, spectra, spectrum, memoryBytes, image, options };
    output.lines(
      announcement({ ...facts, hostPid: pid, ownHost: host.isOwn }, (text, style) =>
        output.styled(text, style),
      ),
    );
  }

  /** A line that stays. */
  #say(text: string): void {
    const { output } = this.#context;
    if (output.json) return;
    if (this.#pulsing) output.raw('\r\x1b[K');
    this.#pulsing = false;
    output.lines([printable(text, output.abilities.unicode)]);
  }

  #show(line: string): void {
    const { output } = this.#context;
    if (!output.abilities.repaint) return output.lines([line]);
    // One column less: behind a full line some terminals begin a new one.
    output.raw(`\r\x1b[K${cutTo(line, output.size.width - 1, output.abilities.unicode)}`);
    this.#pulsing = true;
  }
}

async function stopApplication(host: StartHost, app: string): Promise<void> {
  // An own host server that is away takes its applications along when it is started again and
  // ended.
  if (host.isOwn && (await runningHost(host.info.directory)) === undefined) return;
  const connection = await connectHost({ directory: host.info.directory });
  try {
    await connection.stop(app);
  } finally {
    void connection.close();
  }
}

async function applicationsBeside(directory: string, app: string): Promise<boolean> {
  const host = await connectHost({ directory });
  try {
    return (await host.applications()).some(({ name, state }) => name !== app && state === 'running');
  } finally {
    void host.close();
  }
}

function close(late: { close(): Promise<void> }): void {
  void late.close();
}
