/*
 * Checks of the tests in C: CHECK ends the program with the place of an expectation that fails.
 * Included by unit.c and live.c.
 */
#ifndef MIRRORFLOW_TESTS_CHECK_H
#define MIRRORFLOW_TESTS_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition, ...)                                                \
  do {                                                                       \
    if (condition) break;                                                    \
    fprintf(stderr, "%s:%d: %s does not hold: ", __FILE__, __LINE__, #condition); \
    fprintf(stderr, __VA_ARGS__);                                            \
    fprintf(stderr, "\n");                                                   \
    exit(1);                                                                 \
  } while (0)

/* Runs a test; its title is a complete statement. */
#define TEST(title, run)   \
  do {                     \
    run();                 \
    printf("ok %s\n", title); \
  } while (0)

#endif
