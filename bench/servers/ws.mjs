// `ws` as its README recommends: bufferutil installed.

import * as ws from "ws";
import { serve } from "./ws-program.mjs";

serve(ws);
