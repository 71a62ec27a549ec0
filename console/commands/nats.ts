/**
 * `mirrorflow nats`: prints what a collaboration over NATS needs once: the permissions of its sites
 * for nats-server, and the keys by which a site signs.
 *
 * Works on names and key files only; asks no server.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import { command } from '../command.js';

export const natsCommand = command({
  name: 'nats',
  summary: 'print the permissions of sites for nats-server, or make the key of a site',
  positionals: {
    action: {
      type: 'string',
      choices: ['permissions', 'key'] as const,
      demandOption: true,
      describe: 'permissions: configuration for nats-server; key: a key to sign with',
    },
    sites: { type: 'string', array: true, describe: 'permissions: the names of all sites' },
  },
  options: {
    prefix: { type: 'string', describe: 'permissions: the prefix of the collaboration, as in its addresses' },
    hub: {
      type: 'string',
      describe: 'permissions: JetStream domain of the hub, when the sites are leaf nodes of it',
    },
    output: { type: 'string', alias: 'o', describe: 'key: file for the private key; must not exist yet' },
    of: { type: 'string', describe: 'key: print the public key of this private key' },
  },
  examples: [
    ['nats permissions --prefix e23001 gsi frib', 'for a server that the hosts of the sites connect to'],
    [
      'nats permissions --prefix e23001 --hub hub gsi frib',
      'for a hub that the leaf nodes of the sites connect to',
    ],
    ['nats key -o /etc/mirrorflow/site.key', 'make a key, and print its public part for the other sites'],
  ],
  async run({ output }, { action, sites = [], prefix, hub, output: file, of }) {
    if (action === 'permissions') {
      const { permissionConfiguration } = await import('../../protocol/nats/permissions.js');
      const request = await checkRequest(prefix, sites, hub);
      output.lines(permissionConfiguration(request).trimEnd().split('\n'));
      return;
    }
    if ((file === undefined) === (of === undefined)) {
      throw new MirrorflowError('BAD_OPTION', 'give either -o FILE for a new key, or --of FILE of one');
    }
    const { newSiteKey, publicKeyOfFile } = await import('../../protocol/nats/signature.js');
    if (of !== undefined) return shown(publicKeyOfFile(path.resolve(of)));
    const { privateKey, publicKey } = newSiteKey();
    writeNew(path.resolve(file ?? ''), privateKey);
    shown(publicKey);

    function shown(key: string): void {
      if (output.json) output.value({ publicKey: key });
      else output.lines([key]);
    }
  },
});

async function checkRequest(prefix: string | undefined, sites: readonly string[], hub: string | undefined) {
  const { parseNatsAddress } = await import('../../protocol/nats/address.js');
  const { checkSite } = await import('../../protocol/nats/subjects.js');
  if (prefix === undefined || sites.length === 0) {
    throw new MirrorflowError('BAD_OPTION', 'give --prefix PREFIX and the names of all sites');
  }
  const checked = sites.map(checkSite);
  if (new Set(checked).size < checked.length)
    throw new MirrorflowError('BAD_OPTION', `a site is named twice: ${checked.join(' ')}`);
  if (hub !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(hub)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `--hub ${JSON.stringify(hub.slice(0, 80))} is no JetStream domain: 1 to 64 letters, digits, "_" or "-"`,
    );
  }
  return { prefix: parseNatsAddress(`nats://hub:4222/${prefix}`).prefix, sites: checked, hubDomain: hub };
}

/** A key that exists is never replaced: other sites have its public part. */
function writeNew(file: string, privateKey: string): void {
  try {
    writeFileSync(file, privateKey, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the key cannot be written: ${describeError(error)}`,
      { file },
      error,
    );
  }
}
