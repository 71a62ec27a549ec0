/**
 * The dialog that makes a new spectrum of SpecTcl: name, one axis or two, type of its channels.
 * `dialogs.ts` exports it. Sends a change; adds a dialog to the document until it is closed.
 */
import type { NewAxis, NewSpectrum } from '../wire/changes.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import { labelled, openDialog } from './dialog.js';
import { element, selectBox, setText } from './dom.js';
import type { Notices } from './notices.js';
import { sendChange } from './send-change.js';

interface AxisFields {
  readonly elements: readonly HTMLElement[];
  readonly value: () => NewAxis;
}

const PARAMETERS_ID = 'spectcl-parameters';

/** `spectra`: their parameters are offered. */
export function showNewSpectrumDialog(app: string, spectra: readonly SpectrumInfo[], notices: Notices): void {
  const name = element('input', {});
  const axes = [axisFields('X'), axisFields('Y')];
  let dimensions = 1;
  let channels: NewSpectrum['channels'] = 'long';
  const showAxes = (): void => {
    for (const field of axes[1]?.elements ?? []) field.hidden = dimensions === 1;
  };
  const type = selectBox(
    'Axes',
    [
      ['1', 'One: counts of a parameter'],
      ['2', 'Two: a map of two parameters'],
    ],
    '1',
    (value) => {
      dimensions = Number(value);
      showAxes();
    },
  );
  const channelType = selectBox<NewSpectrum['channels']>(
    'Channels',
    [
      ['long', '32 bits'],
      ['word', '16 bits'],
      ['byte', '8 bits'],
    ],
    channels,
    (value) => (channels = value),
  );
  const note = element('p', { class: 'hint', role: 'status' });
  const create = element('button', { type: 'button', class: 'primary' }, 'Create');
  const parameters = [...new Set(spectra.flatMap((info) => info.parameters ?? []))].sort();
  const dialog = openDialog(
    'New spectrum of SpecTcl',
    [
      element('datalist', { id: PARAMETERS_ID }, ...parameters.map((value) => element('option', { value }))),
      labelled('Name', name),
      labelled('Axes', type),
      ...axes.flatMap(({ elements }) => elements),
      labelled('Channels', channelType),
      note,
    ],
    [],
    'Cancel',
  );
  showAxes();
  create.addEventListener('click', () => {
    const spectrum = {
      name: name.value,
      axes: axes.slice(0, dimensions).map(({ value }) => value()),
      channels,
    };
    void sendChange(app, { request: 'spectrum/create', ...spectrum }).then((problem) => {
      if (problem !== undefined) return setText(note, problem);
      dialog.close();
      notices.show(`SpecTcl has made ${spectrum.name}.`);
    });
  });
  dialog.querySelector('form')?.prepend(create, ' ');
  name.focus();
}

function axisFields(axis: string): AxisFields {
  const number = (value: string): HTMLInputElement =>
    element('input', { type: 'number', step: 'any', value });
  const parameter = element('input', { list: PARAMETERS_ID });
  const [low, high, bins] = [number('0'), number('1024'), number('1024')] as const;
  return {
    elements: [
      labelled(`${axis} parameter`, parameter),
      labelled(`${axis} from`, low),
      labelled(`${axis} to`, high),
      labelled(`${axis} channels`, bins),
    ],
    value: () => ({
      parameter: parameter.value,
      low: low.valueAsNumber,
      high: high.valueAsNumber,
      bins: bins.valueAsNumber,
    }),
  };
}
