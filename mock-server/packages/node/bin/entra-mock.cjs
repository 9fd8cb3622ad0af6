#!/usr/bin/env node
"use strict";
require("../lib/program.cjs").become("entra-mock");
