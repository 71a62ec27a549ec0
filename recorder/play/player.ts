/**
 * Plays a recording as an application of its own: flows with a provider, the mirror with a SpecTcl
 * that shows the recording. The work of `mirrorflow play`. Starts the application at the host
 * server and stops it at the end.
 */
import { connect, type HostConnection } from '../../client-lib/index.js';
import { systemClock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import type { Recording } from '../read/recording.js';
import { PLAYER_CLIENT, PlayerCommand, obey } from './commands.js';
import { FlowPlayer } from './flow-player.js';
import { Playback } from './playback.js';
import { ReplayedSpecTcl } from './replayed-spectcl.js';

export interface PlayOptions {
  /** Name of the application. Default: that of the recorded one with `.replay`. */
  readonly app?: string | undefined;
  /** Runtime directory of the host server. */
  readonly directory?: string | undefined;
  /** Recorded seconds per second; Infinity: as fast as the readers take it. */
  readonly speed: number;
  readonly fromNs?: number | undefined;
  readonly toNs?: number | undefined;
  readonly loop: boolean;
  /** Wait at the beginning for a command to continue, so that readers can attach first. */
  readonly paused: boolean;
}

/**
 * Plays until the end; with a mirror until the signal is aborted, so that its end can be looked at.
 * Resolves with the number of buffers played. Throws APPLICATION_EXISTS for the name of an
 * application that the host server has, BAD_OPTION for an empty range, and what opening throws.
 */
export async function play(
  host: HostConnection,
  recording: Recording,
  options: PlayOptions,
  signal: AbortSignal,
  onBegin: (app: string) => void = () => undefined,
): Promise<number> {
  const app = checkName('application', options.app ?? `${recording.application}.replay`);
  const existing = (await host.applications()).find(({ name }) => name === app);
  if (existing !== undefined || app === recording.application) {
    throw new MirrorflowError(
      'APPLICATION_EXISTS',
      `${app} is a live application; play the recording under another name with --app NAME`,
      { app },
    );
  }
  const playback = new Playback(rangeOf(recording, options), systemClock);
  playback.pause();
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const spectcl = await ReplayedSpecTcl.start(recording, playback);
    if (spectcl !== undefined) closers.push(() => spectcl.close());
    await host.run(spectcl === undefined ? { name: app } : { name: app, source: spectcl.address });
    closers.push(() => host.stop(app));
    const client = await connect({
      app,
      name: PLAYER_CLIENT,
      program: 'mirrorflow play',
      directory: options.directory,
    });
    closers.push(() => client.close());
    const flows = await FlowPlayer.open(client, recording, playback);
    const nextNs = (): number | undefined => earlier(flows.nextNs, spectcl?.nextNs);
    client.on(PlayerCommand, (command) => obey(playback, command, nextNs));
    client.on('messageError', () => undefined);
    if (!options.paused) playback.resume();
    onBegin(app);
    if (flows.flows > 0) await flows.run(signal);
    while (spectcl !== undefined && !signal.aborted)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    return flows.played;
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

function rangeOf(recording: Recording, { fromNs, toNs, speed, loop }: PlayOptions) {
  const { span } = recording;
  if (span === undefined) throw new MirrorflowError('BAD_OPTION', 'the recording has no messages to play');
  const range = {
    fromNs: Math.max(span.startNs, fromNs ?? 0),
    toNs: Math.min(span.endNs, toNs ?? Infinity),
    speed,
    loop,
  };
  if (range.fromNs <= range.toNs) return range;
  const shown = (ns: number): string => new Date(ns / 1e6).toISOString();
  throw new MirrorflowError(
    'BAD_OPTION',
    `nothing was recorded in that time: the recording is from ${shown(span.startNs)} to ${shown(span.endNs)}`,
  );
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
