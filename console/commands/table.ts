/**
 * The table of commands, in the order of the help.
 *
 * `main.ts` passes it to the command line. Each command file is small, so that the program starts
 * fast: a command loads the modules that do its work when it runs.
 */
import type { Command } from '../command.js';
import { appsCommand } from './apps.js';
import { buildAddonsCommand } from './build-addons.js';
import { cleanCommand } from './clean.js';
import { clientsCommand } from './clients.js';
import { completionCommand } from './completion.js';
import { mirrorsCommand } from './mirrors.js';
import { consoleCommand } from './console.js';
import { doctorCommand } from './doctor.js';
import { exportCommand } from './export.js';
import { fitCommand } from './fit.js';
import { flowsCommand } from './flows.js';
import { gatewayCommand } from './gateway.js';
import { hostCommand } from './host.js';
import { hostsCommand } from './hosts.js';
import { infoCommand } from './info.js';
import { installCommand } from './install.js';
import { changesCommand } from './changes.js';
import { integrateCommand } from './integrate.js';
import { peaksCommand } from './peaks.js';
import { playCommand } from './play.js';
import { playerCommand } from './player.js';
import { receiveCommand } from './receive.js';
import { recordCommand } from './record.js';
import { recordingsCommand } from './recordings.js';
import { repairCommand } from './repair.js';
import { runCommand } from './run.js';
import { saveCommand } from './save.js';
import { natsCommand } from './nats.js';
import { secretCommand } from './secret.js';
import { sendCommand } from './send.js';
import { showCommand } from './show.js';
import { spectraCommand } from './spectra.js';
import { startCommand } from './start.js';
import { statsCommand } from './stats.js';
import { stopCommand } from './stop.js';
import { topCommand } from './top.js';
import { verifyCommand } from './verify.js';
import { versionCommand } from './version.js';

export const COMMANDS: readonly Command[] = [
  startCommand,
  spectraCommand,
  showCommand,
  saveCommand,
  fitCommand,
  peaksCommand,
  integrateCommand,
  changesCommand,
  statsCommand,
  topCommand,
  appsCommand,
  runCommand,
  stopCommand,
  flowsCommand,
  sendCommand,
  receiveCommand,
  recordCommand,
  recordingsCommand,
  exportCommand,
  playCommand,
  playerCommand,
  clientsCommand,
  mirrorsCommand,
  gatewayCommand,
  hostCommand,
  hostsCommand,
  secretCommand,
  natsCommand,
  consoleCommand,
  completionCommand,
  installCommand,
  buildAddonsCommand,
  verifyCommand,
  repairCommand,
  cleanCommand,
  infoCommand,
  doctorCommand,
  versionCommand,
];
