// SPDX-License-Identifier: Apache-2.0
/* A leak inside a Criterion test passes silently under AddressSanitizer: the test process exits without the
 * check. End each test body with check_leaks(). */
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define ELIDEFS_LEAK_CHECK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ELIDEFS_LEAK_CHECK 1
#endif
#endif

#ifdef ELIDEFS_LEAK_CHECK
#include <sanitizer/lsan_interface.h>
#define check_leaks() cr_assert(__lsan_do_recoverable_leak_check() == 0, "memory leaked")
#else
#define check_leaks() ((void)0)
#endif

/* A test between made() and removed() that ends with check_leaks(). Criterion's own .init and .fini will not
 * do: it passes a test whatever goes wrong in .fini. */
#define CHECKED_TEST(suite, name, made, removed)                                                             \
    static void suite##_##name##_body(void);                                                                 \
    Test(suite, name)                                                                                        \
    {                                                                                                        \
        made();                                                                                              \
        suite##_##name##_body();                                                                             \
        removed();                                                                                           \
        check_leaks();                                                                                       \
    }                                                                                                        \
    static void suite##_##name##_body(void)
