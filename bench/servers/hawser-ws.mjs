// The very program for `ws`, with its import replaced.

import * as ws from "../../packages/hawser/dist/ws/index.js";
import { serve } from "./ws-program.mjs";

serve(ws);
