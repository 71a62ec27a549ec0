/** The commands in the order of the help. What a command needs beyond its declaration is loaded when it runs. */
import type { Command } from '../command.js';
import { appsCommand } from './apps.js';
import { clientsCommand } from './clients.js';
import { consoleCommand } from './console.js';
import { flowsCommand } from './flows.js';
import { hostCommand } from './host.js';
import { infoCommand } from './info.js';
import { installCommand } from './install.js';
import { runCommand } from './run.js';
import { showCommand } from './show.js';
import { spectraCommand } from './spectra.js';
import { startCommand } from './start.js';
import { statsCommand } from './stats.js';
import { stopCommand } from './stop.js';
import { topCommand } from './top.js';
import { versionCommand } from './version.js';

export const COMMANDS: readonly Command[] = [
  startCommand,
  spectraCommand,
  showCommand,
  statsCommand,
  topCommand,
  appsCommand,
  runCommand,
  stopCommand,
  flowsCommand,
  clientsCommand,
  hostCommand,
  consoleCommand,
  installCommand,
  infoCommand,
  versionCommand,
];
