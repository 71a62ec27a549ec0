/**
 * The calibrations of spectra, kept for all pages: in memory, and in one file per application below
 * the state directory, so that they outlive the process and the machine. `Applications` owns the
 * only store. Reads and writes these files; creates the directory at the first calibration.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventEmitter } from 'eventemitter3';
import { describeError, MirrorflowError, systemCode } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { AxisCalibration } from '../wire/messages.js';

interface CalibrationEvents {
  changed: [app: string];
}

type CalibrationsOfApp = Readonly<Record<string, AxisCalibration>>;

/** Calibrated spectra of one application. */
const SPECTRA_MAX = 1_000;
const COEFFICIENTS_MAX = 3;
const UNIT_CHARACTERS_MAX = 16;
const FILE_BYTES_MAX = 2 ** 20;

export class Calibrations extends EventEmitter<CalibrationEvents> {
  readonly #directory: string;
  readonly #log: Logger;
  readonly #known = new Map<string, CalibrationsOfApp>();

  /** `directory`: an absolute path, which need not exist. */
  constructor(directory: string, log: Logger) {
    super();
    this.#directory = directory;
    this.#log = log;
  }

  /** By name of the spectrum. `app` is a valid name. */
  of(app: string): CalibrationsOfApp {
    const known = this.#known.get(app) ?? this.#read(app);
    this.#known.set(app, known);
    return known;
  }

  /** Keeps a calibration, or removes it; throws LIMIT_REACHED and SYSTEM_ERROR. */
  set(app: string, spectrum: string, calibration: AxisCalibration | undefined): void {
    const { [spectrum]: _former, ...others } = this.of(app);
    const next = calibration === undefined ? others : { ...others, [spectrum]: calibration };
    if (Object.keys(next).length > SPECTRA_MAX) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${SPECTRA_MAX} spectra of ${app} have a calibration; remove one first`,
        { app },
      );
    }
    this.#write(app, next);
    this.#known.set(app, next);
    this.emit('changed', app);
  }

  #path(app: string): string {
    return join(this.#directory, `calibrations-${app}.json`);
  }

  #read(app: string): CalibrationsOfApp {
    const path = this.#path(app);
    try {
      const text = readFileSync(path, 'utf8');
      if (text.length > FILE_BYTES_MAX) throw new Error(`it has more than ${FILE_BYTES_MAX} bytes`);
      return valid(JSON.parse(text));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#log.warn('cannot read calibrations', { path, error });
      return {};
    }
  }

  /** Under another name first, so that a reader or a crash never finds a part. */
  #write(app: string, calibrations: CalibrationsOfApp): void {
    const path = this.#path(app);
    const fresh = `${path}.${process.pid}`;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o750 });
      writeFileSync(fresh, `${JSON.stringify(calibrations, undefined, 1)}\n`, { mode: 0o640 });
      renameSync(fresh, path);
    } catch (error) {
      throw new MirrorflowError(
        'SYSTEM_ERROR',
        `cannot write the calibrations to ${path}: ${describeError(error)}; --state-directory names another place`,
        { path },
        error,
      );
    }
  }
}

/** The valid entries of a file, which anything may have written. */
function valid(parsed: unknown): CalibrationsOfApp {
  if (typeof parsed !== 'object' || parsed === null) return {};
  const entries = Object.entries(parsed as Readonly<Record<string, unknown>>);
  const calibrations: Record<string, AxisCalibration> = {};
  for (const [spectrum, entry] of entries.slice(0, SPECTRA_MAX)) {
    if (isCalibration(entry)) calibrations[spectrum] = entry;
  }
  return calibrations;
}

function isCalibration(value: unknown): value is AxisCalibration {
  if (typeof value !== 'object' || value === null) return false;
  const { coefficients, unit } = value as Readonly<Record<string, unknown>>;
  return (
    Array.isArray(coefficients) &&
    coefficients.length >= 2 &&
    coefficients.length <= COEFFICIENTS_MAX &&
    coefficients.every((coefficient) => Number.isFinite(coefficient)) &&
    isUnit(unit)
  );
}

export function isUnit(value: unknown): value is string {
  return typeof value === 'string' && value.length <= UNIT_CHARACTERS_MAX;
}
