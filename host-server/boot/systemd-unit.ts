/**
 * The text and the path of the systemd unit that runs the host server from boot, for the machine or
 * for one user. Used by `install.ts`. Pure: no I/O. Sources: systemd.service(5), systemd.exec(5),
 * systemd.kill(5), systemd.syntax(7).
 */
import { isAbsolute, join } from 'node:path';

import { MirrorflowError } from '../../protocol/base/errors.js';
import { allocatorLimits } from '../../protocol/host/process-kit/environment.js';

export type UnitScope = 'user' | 'system';

export interface UnitOptions {
  readonly scope: UnitScope;
  /** Absolute path of the node program. */
  readonly execPath: string;
  /** Absolute path of the host server's script. */
  readonly script: string;
  /** Absolute path of the configuration file, passed as `--config`. */
  readonly configFile?: string;
  /** Account that a system service runs as; refused for a user's unit. */
  readonly user?: string;
  readonly group?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Address of the documentation, such as `man:mirrorflow(1)`. */
  readonly documentation?: string;
}

const UNIT_NAME = 'mirrorflow.service';
const ACCOUNT = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}\$?$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
// oxlint-disable-next-line no-control-regex -- a line break would end the setting and begin another
const CONTROL_CHARACTER = /[\0-\x1f\x7f]/;

const UNIT_LIMITS = ['StartLimitIntervalSec=60', 'StartLimitBurst=10'];

const SERVICE_LIFE = `
Type=notify
NotifyAccess=main
WatchdogSec=30
TimeoutStartSec=30
TimeoutStopSec=10
Restart=on-failure
RestartSec=1
# Only the host server is stopped. The application servers and duplicators it started stay in this unit's
# control group, and data keeps moving through them during "systemctl restart" and after a crash: the next host server
# adopts them. With control-group or mixed they would be killed, and every flow with them.
# To stop the flows as well, stop the applications first (mirrorflow stop).
KillMode=process
# SIGTERM would make the host server stop its applications; SIGHUP makes it leave them running.
KillSignal=SIGHUP
# For the same reason one child that ran out of memory must not take the others with it.
OOMPolicy=continue
# The sockets of those children live here and outlast a stop.
RuntimeDirectory=mirrorflow
RuntimeDirectoryMode=0750
RuntimeDirectoryPreserve=yes
# Compiled code of the servers, for a quicker start.
CacheDirectory=mirrorflow
CacheDirectoryMode=0700
UMask=0027
LimitNOFILE=65536`;

const SYSTEM_HARDENING = `
# Left out on purpose: PrivateIPC and PrivateTmp (SpecTcl's memory may be a System V segment or a file in /tmp),
# PrivateDevices (flow files are shared in /dev/shm), MemoryDenyWriteExecute (node compiles at run time),
# RestrictSUIDSGID (flow directories may carry the set-group-id bit).
NoNewPrivileges=yes
ProtectSystem=full
ProtectHome=read-only
# Recordings, calibrations and layouts: home directories are read-only.
StateDirectory=mirrorflow
StateDirectoryMode=0750
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native`;

const USER_NOTE = `
# No sandbox: it starts this user's own programs. "loginctl enable-linger" keeps it running without a login session;
# without that, systemd-logind ends it at the last logout and removes this user's files from /dev/shm (RemoveIPC).`;

/** Throws BAD_OPTION for relative paths, control characters, and bad account or variable names. */
export function systemdUnit(options: UnitOptions): string {
  const { scope } = options;
  const isSystem = scope === 'system';
  if (!isSystem && (options.user !== undefined || options.group !== undefined)) {
    throw badOption("a user's unit runs as that user: leave user and group out");
  }
  const lines = [
    '[Unit]',
    'Description=mirrorflow host server: mirrors spectra and other flows to local and remote programs',
    ...(options.documentation === undefined
      ? []
      : [`Documentation=${printable('documentation', options.documentation)}`]),
    ...(isSystem ? ['Wants=network-online.target', 'After=network-online.target'] : []),
    ...UNIT_LIMITS,
    '',
    '[Service]',
    `ExecStart=${commandLine(options)}`,
    ...environmentLines({ ...options.environment, ...allocatorLimits(options.environment ?? {}) }),
    ...(options.user === undefined ? [] : [`User=${account('user', options.user)}`]),
    ...(options.group === undefined ? [] : [`Group=${account('group', options.group)}`]),
    ...SERVICE_LIFE.trim().split('\n'),
    ...(isSystem ? SYSTEM_HARDENING : USER_NOTE).trim().split('\n'),
    '',
    '[Install]',
    `WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Path of the unit's file. Throws BAD_OPTION when a user's home directory is unknown. */
export function unitPath(scope: UnitScope, env: Readonly<Record<string, string | undefined>>): string {
  if (scope === 'system') return join('/etc/systemd/system', UNIT_NAME);
  const stated = env['XDG_CONFIG_HOME'];
  const home = env['HOME'];
  if (stated !== undefined && isAbsolute(stated)) return join(stated, 'systemd/user', UNIT_NAME);
  if (home !== undefined && isAbsolute(home)) return join(home, '.config/systemd/user', UNIT_NAME);
  throw badOption(
    'neither XDG_CONFIG_HOME nor HOME is set to an absolute path, so there is no place for a unit',
  );
}

function commandLine(options: UnitOptions): string {
  const program = quoted(absolute('execPath', options.execPath));
  const parts = [absolute('script', options.script)];
  if (options.configFile !== undefined) parts.push('--config', absolute('configFile', options.configFile));
  // "$" begins a variable in arguments, not in the program's path.
  return [program, ...parts.map((part) => quoted(part.replaceAll('$', '$$$$')))].join(' ');
}

function environmentLines(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => {
    if (!VARIABLE.test(name)) throw badOption(`${JSON.stringify(name)} is not the name of a variable`);
    return `Environment=${quoted(printable(name, `${name}=${value}`))}`;
  });
}

/** Quotes for systemd: escapes backslash and quote as in C, and "%", which begins a specifier. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;
}

function absolute(what: string, path: string): string {
  if (!isAbsolute(path)) throw badOption(`${what} is ${JSON.stringify(path)}; a unit needs an absolute path`);
  return printable(what, path);
}

function printable(what: string, text: string): string {
  if (CONTROL_CHARACTER.test(text)) throw badOption(`${what} holds a control character`);
  return text;
}

function account(what: string, name: string): string {
  if (!ACCOUNT.test(name)) throw badOption(`${JSON.stringify(name)} is not the name of a ${what}`);
  return name;
}

function badOption(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message);
}
