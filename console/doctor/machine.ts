/**
 * Checks of this machine: Node.js, directories, memory, limits, systemd, secret.
 *
 * `mirrorflow doctor` runs them; they need no server. They read files and limits and change
 * nothing.
 */
import { accessSync, constants, existsSync, readFileSync, statSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { clientDirectories, flowDirectory } from '../../protocol/base/paths.js';
import { describeError } from '../../protocol/base/errors.js';
import { isUsableDirectory } from '../../protocol/base/files/private-directory.js';
import { sysvLibrary } from '../../protocol/spectcl/sysv/library.js';
import { withHost } from '../servers.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import { fail, forController, ok, warn, type Check, type Finding } from './check.js';
import { unitFiles } from './units.js';

const MIB = 1024 * 1024;
const NODE_MAJOR_MIN = 20;
/** A display memory of the usual 8 MiB with its ring and image takes about 80 MiB. */
const FLOW_SPACE_MIN_BYTES = 256 * MIB;
/** Bytes of the smallest shared memory of a gateway: header and 8 MiB of spectra. */
const SEGMENT_BYTES = DISPLAY_HEADER_BYTES + 8 * MIB;
/** A server needs a file for each connection. */
const OPEN_FILES_MIN = 4_096;
/** Type of a file system in memory, as statfs(2) gives it. */
const TMPFS_MAGIC = 0x01021994;
const SECRET_BYTES_MIN = 16;
const KERNEL = '/proc/sys/kernel';

export const node: Check = {
  title: 'Node.js',
  run() {
    const major = Number(process.versions.node.split('.', 1)[0]);
    const found = `Node ${process.version} on ${process.platform} ${process.arch}`;
    if (major < NODE_MAJOR_MIN) {
      return Promise.resolve(fail(found, `install Node.js ${NODE_MAJOR_MIN} or newer`));
    }
    return Promise.resolve(
      process.platform === 'linux'
        ? ok(found)
        : fail(found, 'mirrorflow needs Linux: shared memory and /proc'),
    );
  },
};

export const runtimeDirectories: Check = {
  title: 'runtime directory',
  run({ env, uid, directory }) {
    const directories = clientDirectories({ env, uid, directory });
    const findings = directories.map((path): Finding | undefined => {
      try {
        const usable = isUsableDirectory(path, uid, path.startsWith('/tmp/'));
        return usable ? ok(`${path} can be used`) : undefined;
      } catch (error) {
        return fail(
          describeError(error),
          `remove ${path}, or choose another with --directory or MIRRORFLOW_DIR`,
        );
      }
    });
    const existing = findings.filter((finding) => finding !== undefined);
    if (existing.length > 0) return Promise.resolve(existing);
    const parent = dirname(directories[0] ?? '/tmp/x');
    try {
      accessSync(parent, constants.W_OK);
      return Promise.resolve(ok(`none yet; the first host server creates ${directories[0]}`));
    } catch {
      const mend = 'choose a directory that can be created, with --directory or MIRRORFLOW_DIR';
      return Promise.resolve(fail(`${directories[0]} cannot be created in ${parent}`, mend));
    }
  },
};

export const flowSpace: Check = {
  title: 'flow files',
  async run(context) {
    const { env, uid } = context;
    const running = await withHost(context, (host) => host.info()).catch(() => undefined);
    const path = running?.flowDirectory ?? flowDirectory({ env, uid });
    const existing = existsSync(path) ? path : dirname(path);
    const elsewhere = 'keep flow files elsewhere with --flow-dir or MIRRORFLOW_FLOW_DIR';
    try {
      // The files belong to the user of the host server; the other users read them.
      if (context.controller === undefined) accessSync(existing, constants.W_OK);
    } catch (error) {
      return fail(describeError(error), `give this user the permission to write there, or ${elsewhere}`);
    }
    const { bavail, bsize, type } = statfsSync(existing);
    const free = bavail * bsize;
    const found = `${path}, ${Math.floor(free / MIB)} MiB free`;
    if (free < FLOW_SPACE_MIN_BYTES) {
      const mend = `free some, make it larger (mount -o remount,size=…, --shm-size for containers), or ${elsewhere}`;
      return warn(
        `${found}; a mirror needs about six times the display memory`,
        forController(context, mend),
      );
    }
    if (type === TMPFS_MAGIC) return ok(found);
    return warn(
      `${found}, on a disk and not in memory`,
      forController(context, 'use a directory below /dev/shm'),
    );
  },
};

export const sharedMemory: Check = {
  title: 'shared memory by key',
  run() {
    const library = sysvLibrary();
    if (library.kind === 'missing') {
      const mend =
        '`npm install koffi` where mirrorflow is installed; without it C viewers use the mirror port';
      return Promise.resolve(warn(library.reason, mend));
    }
    const [largest, pages, most] = ['shmmax', 'shmall', 'shmmni'].map((name) => kernelNumber(name));
    const used = segments();
    if ((largest ?? Infinity) < SEGMENT_BYTES) {
      const mend = 'sysctl -w kernel.shmmax=68719476736, and the same line in /etc/sysctl.d';
      return Promise.resolve(fail(`a segment may have ${largest} bytes; a display memory is larger`, mend));
    }
    if ((pages ?? Infinity) * 4096 < SEGMENT_BYTES * 4) {
      const mend = 'sysctl -w kernel.shmall=4294967296, and the same line in /etc/sysctl.d';
      return Promise.resolve(warn(`all segments together may have ${pages} pages`, mend));
    }
    if (used.length * 2 > (most ?? Infinity)) {
      const mend = '`ipcs -m` lists them; `ipcrm -m ID` removes an unused one';
      return Promise.resolve(warn(`${used.length} of ${most} segments are in use`, mend));
    }
    return Promise.resolve(ok(`the library is installed; ${used.length} of at most ${most} segments exist`));
  },
};

export const openFiles: Check = {
  title: 'open files',
  run() {
    const line = /^Max open files\s+(\d+)/m.exec(readText('/proc/self/limits') ?? '')?.[1];
    if (line === undefined) return Promise.resolve(ok('the limit is unknown'));
    const found = `a process may have ${line} files open`;
    return Promise.resolve(
      Number(line) >= OPEN_FILES_MIN
        ? ok(found)
        : warn(found, `ulimit -n ${OPEN_FILES_MIN}, or LimitNOFILE= in the unit, for many viewers`),
    );
  },
};

export const systemd: Check = {
  title: 'start at boot',
  run(context) {
    const { env, uid } = context;
    if (!existsSync('/run/systemd/system')) {
      return Promise.resolve(ok('no systemd on this machine; start the host server by other means'));
    }
    const found = unitFiles(env);
    if (found.length > 0) return Promise.resolve(ok(`installed as ${found.join(' and ')}`));
    const words = `mirrorflow install --scope ${uid === 0 ? 'system --user mirrorflow' : 'user'}`;
    const mend = forController(context, `\`${words}\` starts it at boot`);
    return Promise.resolve(warn('the host server is not started at boot', mend));
  },
};

export const secret: Check = {
  title: 'shared secret',
  run({ env }) {
    const path = env['MIRRORFLOW_SECRET_FILE'] ?? '';
    if (path === '')
      return Promise.resolve(
        ok(
          'MIRRORFLOW_SECRET_FILE is not set here; that of the host server is checked with its configuration',
        ),
      );
    const text = readText(path);
    if (text === undefined) {
      return Promise.resolve(
        fail(`${path} cannot be read`, 'create the file, readable for the servers only: mode 0600'),
      );
    }
    const mode = statSync(path).mode & 0o777;
    if ((mode & 0o007) !== 0) {
      return Promise.resolve(
        fail(`${path} is readable for all users (mode ${mode.toString(8)})`, `chmod 600 ${path}`),
      );
    }
    const length = text.trim().length;
    return Promise.resolve(
      length >= SECRET_BYTES_MIN
        ? ok(`${path} contains a secret`)
        : fail(`the secret in ${path} has ${length} characters`, `openssl rand -hex 32 > ${path}`),
    );
  },
};

/** One line for each existing segment. Source: proc(5), /proc/sysvipc/shm. */
function segments(): readonly string[] {
  return (readText('/proc/sysvipc/shm') ?? '')
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '');
}

function kernelNumber(name: string): number | undefined {
  const text = readText(`${KERNEL}/${name}`);
  return text === undefined ? undefined : Number(text);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
