/**
 * The fuzz targets: every parser of bytes or text that other programs or users supply. Run by
 * `npm run fuzz` and fuzz.test.ts. A new such parser gets a target in this folder and a line here.
 */
import type { FuzzTarget } from '../fuzzer.js';
import { addresses, configuration } from './configuration.js';
import { flowFileHeaders, ringReading } from './flow-file.js';
import { recovery, recoveryReports } from './recovery.js';
import { gatewayRequests, pageMessages } from './requests.js';
import { linkClients } from './link-clients.js';
import { mirrorReplies } from './mirror-replies.js';
import { natsParcels } from './nats.js';
import { portManager, restReplies } from './rest-replies.js';
import { savedFiles } from './saved-files.js';
import { sessionFrames } from './session-frames.js';
import { signalLink } from './signal-link.js';
import { trendFiles } from './trend-files.js';
import { wireBlocks, wireFrames, wireHandshake, wireRecords } from './wire.js';
import { xmlRpc } from './xml-rpc.js';

export const TARGETS: readonly FuzzTarget[] = [
  xmlRpc,
  sessionFrames,
  signalLink,
  linkClients,
  mirrorReplies,
  restReplies,
  portManager,
  flowFileHeaders,
  ringReading,
  recovery,
  recoveryReports,
  gatewayRequests,
  pageMessages,
  configuration,
  addresses,
  wireFrames,
  wireRecords,
  wireHandshake,
  wireBlocks,
  savedFiles,
  trendFiles,
  natsParcels,
];
