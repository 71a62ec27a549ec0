/**
 * A machine of its own for tests that install packages: the files of this one below an overlay in
 * memory, with its own processes, network, `/run` and `/dev/shm`. All changes vanish with it.
 *
 * Needs root and the permission to mount; `start` says why it is not possible.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { TemporaryDirectory } from './temporary-directory.js';

export interface CommandResult {
  readonly status: number | null;
  readonly output: string;
}

/** Positional: a directory for the overlay, a directory of the test that is visible inside. */
const SET_UP = `
set -e
base=$1 shared=$2
mount -t tmpfs -o size=2g tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
root=$base/root
mkdir -p "$root$shared"
mount --bind "$shared" "$root$shared"
mount --bind /dev "$root/dev"
mkdir -p "$root/dev/shm" "$root/proc" "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs tmpfs "$root/run"
mount -t proc proc "$root/proc"
ip link set lo up
exec chroot "$root" bash -c 'echo ready; sleep infinity & wait'
`;
const COMMAND_TIMEOUT_MS = 60_000;

export class OverlayMachine {
  /** Visible inside under the same path. */
  readonly shared = new TemporaryDirectory();
  readonly #base = new TemporaryDirectory();
  #unshare: ChildProcess | undefined;
  #initPid = 0;

  /** Resolves with the reason when the machine is not possible here. */
  async start(): Promise<string | undefined> {
    if (process.getuid?.() !== 0) return 'needs root';
    const unshare = spawn(
      'unshare',
      // prettier-ignore
      ['--mount', '--pid', '--net', '--ipc', '--fork', '--kill-child', 'bash', '-c', SET_UP, 'bash', this.#base.path, this.shared.path],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#unshare = unshare;
    let complaint = '';
    unshare.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    unshare.on('error', (error) => (complaint += error.message));
    for await (const line of createInterface({ input: unshare.stdout })) {
      if (line !== 'ready') continue;
      this.#initPid = Number(readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8'));
      return undefined;
    }
    return `no overlay of the root directory is possible: ${complaint.trim()}`;
  }

  /** Runs a command of the shell inside, as root, in the root directory. */
  run(command: string): CommandResult {
    const inside = ['--target', String(this.#initPid), '--mount', '--pid', '--net', '--ipc', '--root'];
    const { status, stdout, stderr } = spawnSync(
      'nsenter',
      [...inside, 'chroot', '/', 'bash', '-c', command],
      {
        encoding: 'utf8',
        timeout: COMMAND_TIMEOUT_MS,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
      },
    );
    return { status, output: stdout + stderr };
  }

  /** Ends all processes inside and removes every change. */
  async stop(): Promise<void> {
    const unshare = this.#unshare;
    if (unshare !== undefined && unshare.exitCode === null && unshare.signalCode === null) {
      unshare.kill('SIGKILL');
      await once(unshare, 'close');
    }
    this.#base.remove();
    this.shared.remove();
  }
}
