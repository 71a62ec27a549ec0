/** `mirrorflow doctor`. */
import { describeError } from '../../protocol/base/errors.js';
import { command } from '../command.js';
import type { Check, Finding, Patient } from '../doctor/check.js';
import { EXIT } from '../exit-codes.js';
import type { TextStyle } from '../render/colour.js';
import { printable } from '../render/printable.js';

const STYLES: Readonly<Record<Finding['state'], TextStyle>> = { ok: 'green', warn: 'yellow', fail: 'red' };

interface Told extends Finding {
  readonly check: string;
}

export const doctorCommand = command({
  name: 'doctor',
  summary: 'checks this host and says what is wrong and how to mend it',
  positionals: {},
  options: {
    spectcl: { type: 'string', describe: 'also ask this SpecTcl: spectcl://HOST?rest=PORT&mirror=PORT' },
  },
  examples: [
    ['doctor', 'exit code 1 when something fails'],
    ['doctor --json', 'an array of objects: check, state, found, mend'],
  ],
  async run({ output, env, directory, signal }, { spectcl }) {
    const [installation, machine, running] = await Promise.all([
      import('../doctor/installation.js'),
      import('../doctor/machine.js'),
      import('../doctor/running.js'),
    ]);
    const checks: readonly Check[] = [
      machine.node,
      installation.nativeModules,
      installation.memoryOrder,
      machine.runtimeDirectories,
      machine.flowSpace,
      machine.sharedMemory,
      machine.openFiles,
      machine.systemd,
      machine.secret,
      running.hostServer,
      running.applications,
      running.gateways,
      running.spectcl,
    ];
    const patient: Patient = { env, uid: process.geteuid?.() ?? 0, directory, spectcl, signal };
    const told: Told[] = [];
    for (const check of checks) told.push(...(await examined(check, patient)));
    if (output.json) output.value(told);
    else {
      for (const { check, state, found, mend } of told) {
        const { unicode } = output.abilities;
        const line = `${output.styled(state.padEnd(4), STYLES[state])}  ${check}: ${printable(found, unicode)}`;
        output.lines(mend === undefined ? [line] : [line, `      ${printable(mend, unicode)}`]);
      }
    }
    return told.some(({ state }) => state === 'fail') ? EXIT.failed : EXIT.success;
  },
});

function toldOf({ title }: Check, { state, found, mend }: Finding): Told {
  return { check: title, state, found, ...(mend === undefined ? {} : { mend }) };
}

async function examined(check: Check, patient: Patient): Promise<Told[]> {
  try {
    const found = await check.run(patient);
    return [found].flat().map((finding: Finding) => toldOf(check, finding));
  } catch (error) {
    return [
      { check: check.title, state: 'fail', found: describeError(error), mend: 'see the logs of the servers' },
    ];
  }
}
