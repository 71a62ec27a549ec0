/**
 * Gamma lines of common calibration sources, to choose from when an axis is calibrated. Used by the
 * page. Pure. Energies in keV of the evaluated decay data (ENSDF), rounded to 0.01 keV; alpha
 * energies are of the main branches.
 */
export interface SourceLines {
  readonly name: string;
  readonly kev: readonly number[];
}

export const SOURCE_LINES: readonly SourceLines[] = [
  { name: 'Na-22', kev: [511.0, 1274.54] },
  { name: 'K-40', kev: [1460.82] },
  { name: 'Mn-54', kev: [834.85] },
  { name: 'Co-57', kev: [122.06, 136.47] },
  { name: 'Co-60', kev: [1173.23, 1332.49] },
  { name: 'Y-88', kev: [898.04, 1836.06] },
  { name: 'Cd-109', kev: [88.03] },
  { name: 'Ba-133', kev: [81.0, 276.4, 302.85, 356.01, 383.85] },
  { name: 'Cs-137', kev: [32.0, 661.66] },
  {
    name: 'Eu-152',
    kev: [121.78, 244.7, 344.28, 411.12, 443.97, 778.9, 867.38, 964.06, 1085.84, 1112.08, 1408.01],
  },
  { name: 'Bi-207', kev: [569.7, 1063.66, 1770.23] },
  { name: 'Ra-226', kev: [186.21, 242.0, 295.22, 351.93, 609.32, 1120.29, 1764.49, 2204.1] },
  { name: 'Th-228', kev: [84.37, 238.63, 277.37, 300.09, 510.77, 583.19, 727.33, 860.56, 1620.5, 2614.51] },
  { name: 'Am-241', kev: [59.54] },
  { name: 'alpha: Pu-239, Am-241, Cm-244', kev: [5156.6, 5485.6, 5804.8] },
];
