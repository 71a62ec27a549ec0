// `npm run build`: installs dependencies that are missing or out of date, then compiles to dist/.
// Needs only Node and npm.
import { prepare } from './setup.mjs';

prepare({ build: 'always' });
