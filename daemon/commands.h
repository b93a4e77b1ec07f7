/* commands.h - what `sluice COMMAND` does: each reads its arguments and returns the exit code. Layer: daemon. */
#pragma once

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_test(int argc, char **argv);
int command_graph(int argc, char **argv);
int command_state(int argc, char **argv);
int command_list(int argc, char **argv);
int command_schema(int argc, char **argv);
