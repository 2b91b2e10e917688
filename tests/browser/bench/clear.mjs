// Removes the screenshots of the last run.
import { rmSync } from 'node:fs';

import { SCREENS } from './places.mjs';

rmSync(SCREENS, { recursive: true, force: true });
