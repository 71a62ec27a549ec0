/**
 * The session of `mirrorflow start`: starts host server, simulator, application and mirror (a
 * read-only map of SpecTcl's display memory), shows their state, and at the end stops what it has
 * started, in the opposite order.
 *
 * The command `start` calls it. It spawns processes and writes to the output of the command.
 */
import type { CounterSample } from '../../protocol/base/rates.js';
import { connect, connectHost, type Client, type Mirror } from '../../client-lib/index.js';
import { clientDirectories, logFilePath } from '../../protocol/base/paths.js';
import { describeError } from '../../protocol/base/errors.js';
import type { CommandContext } from '../command.js';
import { flowRates } from '../flow-statistics.js';
import { runningHost } from '../host-process/launch.js';
import { interruptible, pause } from '../interruption.js';
import { cutTo, printable } from '../render/printable.js';
import { announcement, pulseLine, type MirrorFacts } from './announcement.js';
import { runApplication } from './application.js';
import { SessionHost } from './own-host.js';
import { OwnRecording } from './recording.js';
import { SimulatorProcess } from './simulator.js';

export interface StartOptions {
  readonly app: string;
  /** A spectcl address; undefined for the embedded simulator. */
  readonly spectcl: string | undefined;
  readonly updateIntervalMs: number | undefined;
  readonly allowChanges: boolean | undefined;
  /** Undefined: nothing is recorded. */
  readonly record: StartRecording | undefined;
}

/** The recording of a session. */
export interface StartRecording {
  /** An absolute path; undefined for the place of the application's own recorder. */
  readonly directory: string | undefined;
}

const FLOW = 'spectra';
const STATUS_INTERVAL_MS = 1_000;

/** A part of the session with the function that stops it. */
interface StartedPart {
  readonly name: string;
  readonly stop: () => Promise<void>;
}

/**
 * Runs a session until it is interrupted; resolves when everything that it started has stopped.
 * Throws the cause when it cannot start, after stopping what it had started.
 */
export async function startSession(context: CommandContext, options: StartOptions): Promise<void> {
  const session = new Session(context);
  try {
    await session.open(options);
    await session.showStatus();
  } catch (error) {
    // An interruption while the session starts is a regular end.
    if (!context.signal.aborted) throw error;
  } finally {
    await session.stop();
  }
}

class Session {
  readonly #context: CommandContext;
  /** In the order in which they were started. */
  readonly #parts: StartedPart[] = [];
  #client: Client | undefined;
  #mirror: Mirror | undefined;
  #stopping = false;
  /** Whether the cursor is on the status line. */
  #onStatusLine = false;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async open({ app, spectcl, updateIntervalMs, allowChanges, record }: StartOptions): Promise<void> {
    const { signal } = this.#context;
    const recordings = record?.directory;
    const [host, source] = await bothStarted(this.#host(recordings), spectcl ?? this.#simulator());
    const { directory } = host.info;
    const connection = await interruptible(signal, connectHost({ directory }), close);
    try {
      const run = runApplication(connection, {
        name: app,
        source,
        ...(updateIntervalMs === undefined ? {} : { updateIntervalMs }),
        ...(allowChanges === undefined ? {} : { allowChanges }),
        ...(record === undefined || recordings !== undefined ? {} : { record: { flows: [FLOW] } }),
      });
      // Waited for even when interrupted: an application that starts after the interruption has to
      // be stopped too.
      if (await run)
        this.#parts.push({ name: `the application ${app}`, stop: () => stopApplication(host, app) });
    } finally {
      void connection.close();
    }
    const client = await interruptible(
      signal,
      connect({ app, name: 'start', program: 'mirrorflow start', directory }),
      close,
    );
    this.#client = client;
    this.#parts.push({ name: 'the mirror', stop: () => client.close() });
    this.#mirror = await interruptible(signal, client.mirror());
    if (recordings !== undefined) {
      const recording = await OwnRecording.begin({ app, flow: FLOW, directory, recordings }, (text) =>
        this.#report(text),
      );
      this.#parts.push({ name: 'the recording', stop: () => recording.close() });
      if (!host.isOwn) {
        this.#report(
          'The viewer that ran already has a time line only if MIRRORFLOW_RECORDINGS names that directory.',
        );
      }
    }
    await this.#announce(host, {
      app,
      source,
      simulator: spectcl === undefined,
      recordings: recordings ?? (await client.appInfo()).recorder?.directory,
    });
    this.#watch(client, this.#mirror);
  }

  /**
   * Shows the status line until the session is interrupted: updated on a terminal, written once
   * elsewhere.
   */
  async showStatus(): Promise<void> {
    const { output, signal } = this.#context;
    let previous: CounterSample | undefined;
    for (let samples = 0; !signal.aborted; samples += 1) {
      await pause(samples === 0 ? 0 : STATUS_INTERVAL_MS, signal);
      if (signal.aborted || output.json || (!output.abilities.repaint && samples > 1)) continue;
      const counters = await this.#client?.statistics(FLOW).catch(() => undefined);
      // Interrupted meanwhile, or the app server does not answer, which `#watch` reports.
      if (counters === undefined || signal.aborted) continue;
      const sample: CounterSample = { atMs: performance.now(), counters };
      const rates = previous === undefined ? {} : flowRates(sample, previous);
      previous = sample;
      if (samples === 0) continue;
      this.#showStatusLine(
        pulseLine({
          state: this.#mirror?.state ?? 'ended',
          published: counters['published'] ?? 0,
          updates: rates['updates'],
          bytes: rates['publishedBytes'],
        }),
      );
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#parts.length > 0 && this.#context.signal.aborted) this.#report('Stopping what was started.');
    for (const { name, stop } of this.#parts.toReversed()) {
      try {
        await stop();
      } catch (error) {
        this.#report(`Could not stop ${name}: ${describeError(error)}`);
      }
    }
  }

  /** `recordings`: the directory of this session's own recording. */
  async #host(recordings: string | undefined): Promise<SessionHost> {
    const context = withRecordings(this.#context, recordings);
    const host = await SessionHost.obtain(context, (text) => this.#report(text));
    this.#parts.push({ name: 'the host server', stop: () => host.stop() });
    return host;
  }

  async #simulator(): Promise<string> {
    const simulator = await SimulatorProcess.start();
    this.#parts.push({ name: 'the simulator', stop: () => simulator.stop() });
    void simulator.ended.then((exit) => {
      if (!this.#stopping)
        this.#report(`The simulator has stopped (${exit}): the spectra no longer change. Ctrl-C stops.`);
    });
    return simulator.address;
  }

  #watch(client: Client, mirror: Mirror): void {
    client.on('disconnected', () => {
      if (!this.#stopping) this.#report('The app server does not answer; the mirror continues without it.');
    });
    client.on('reconnected', () => this.#report('The app server answers again.'));
    mirror.on('state', (state) => {
      if (this.#stopping) return;
      if (state === 'live') this.#report('The mirror is live.');
      else this.#report(`The mirror is ${state}: displays keep the last data.`);
    });
  }

  async #announce(
    host: SessionHost,
    { app, source, simulator, recordings }: Pick<MirrorFacts, 'app' | 'source' | 'simulator' | 'recordings'>,
  ): Promise<void> {
    const { output, env } = this.#context;
    const client = this.#client;
    const mirror = this.#mirror;
    if (client === undefined || mirror === undefined) return;
    const flows = await client.flows();
    const { spectra, spectrum } = mirror.read((view) => {
      const all = view.list();
      // A name to suggest must be one that can be typed.
      const typable = all.filter(({ name }) => printable(name) === name);
      const histogram = typable.find(({ binding, name }) => binding.dimensions === 1 && name !== 'checksum');
      return { spectra: all.length, spectrum: (histogram ?? typable[0])?.name };
    });
    const image = flows.find(({ flow }) => flow === FLOW)?.image;
    const { directory, pid } = host.info;
    const memoryBytes = mirror.memory.byteLength;
    const web = await host.webAddress(this.#context.signal);
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
        recordings,
        pid: process.pid,
      });
    }
    const usualDirectories = clientDirectories({
      env: { ...env, MIRRORFLOW_DIR: undefined },
      uid: process.geteuid?.() ?? 0,
    });
    const others = await hasOtherApplications(directory, app);
    const options = [
      ...(usualDirectories.includes(directory) ? [] : ['--directory', directory]),
      ...(others ? ['--app', app] : []),
    ];
    const log = env['MIRRORFLOW_WEB'] === 'off' ? undefined : logFilePath(directory, 'host-server');
    const shown = { app, source, simulator, recordings, web, log };
    const facts = { ...shown, spectra, spectrum, memoryBytes, image, options };
    output.lines(
      announcement({ ...facts, hostPid: pid, ownHost: host.isOwn }, (text, style) =>
        output.styled(text, style),
      ),
    );
  }

  /** Writes a line that stays. */
  #report(text: string): void {
    const { output } = this.#context;
    if (output.json) return;
    if (this.#onStatusLine) output.raw('\r\x1b[K');
    this.#onStatusLine = false;
    output.lines([printable(text, output.abilities.unicode)]);
  }

  #showStatusLine(line: string): void {
    const { output } = this.#context;
    if (!output.abilities.repaint) return output.lines([line]);
    // One column less: after a full line some terminals start a new one.
    output.raw(`\r\x1b[K${cutTo(line, output.size.width - 1, output.abilities.unicode)}`);
    this.#onStatusLine = true;
  }
}

/** An own host server gives its viewer the recordings, for the time line. */
function withRecordings(context: CommandContext, directory: string | undefined): CommandContext {
  if (directory === undefined) return context;
  const others = context.env['MIRRORFLOW_RECORDINGS'] ?? '';
  const all = others === '' ? directory : `${others}:${directory}`;
  return { ...context, env: { ...context.env, MIRRORFLOW_RECORDINGS: all } };
}

/** Throws the first cause only when both have ended their start: what has started is stopped. */
async function bothStarted<A, B>(first: Promise<A>, second: Promise<B> | B): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === 'rejected') throw a.reason;
  if (b.status === 'rejected') throw b.reason;
  return [a.value, b.value];
}

async function stopApplication(host: SessionHost, app: string): Promise<void> {
  // An own host server that has died stops its applications when it is restarted and stopped.
  if (host.isOwn && (await runningHost(host.info.directory)) === undefined) return;
  const connection = await connectHost({ directory: host.info.directory });
  try {
    await connection.stop(app);
  } finally {
    void connection.close();
  }
}

async function hasOtherApplications(directory: string, app: string): Promise<boolean> {
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
