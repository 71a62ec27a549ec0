// The packages of NATS load at their first use only (protocol/nats/packages.ts).
import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { compiled } from '../../kit/test-process.js';

/** Modules that programs import at their start. */
const IMPORTED = [
  'protocol/nats/connection',
  'client-lib/index',
  'host-server/host-server',
  'duplicator/remote/remote-flow',
];

function packagesAfter(statements: string): string[] {
  const program = `${statements}
    const { createRequire } = await import('node:module');
    const files = Object.keys(createRequire(${JSON.stringify(compiled('test/kit/x'))}).cache);
    console.log(JSON.stringify(files.filter((file) => file.includes('@nats-io'))));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  if (stderr !== '') throw new Error(stderr);
  return JSON.parse(stdout) as string[];
}

describe('packages of NATS', () => {
  it('no package is loaded by a program that uses no NATS', () => {
    const imports = IMPORTED.map((path) => `await import(${JSON.stringify(compiled(path))});`);
    expect(packagesAfter(imports.join('\n'))).to.deep.equal([]);
  });

  it('the package is loaded when a connection needs it', () => {
    const packages = JSON.stringify(compiled('protocol/nats/packages'));
    expect(packagesAfter(`await (await import(${packages})).natsTransport();`)).not.to.deep.equal([]);
  });
});
