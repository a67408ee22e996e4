/*
 * check.h - assertions. MAE_CHECK is always on, for cold paths and wherever a wrong value would falsify a result;
 * MAE_DCHECK only in debug builds, naming the invariant in a comment beside it.
 */
#ifndef ENGINE_BASE_CHECK_H
#define ENGINE_BASE_CHECK_H

#include "engine/base/compiler.h"

__attribute__((noreturn)) COLD void check_failed(const char *expression, const char *file, int line);

#define MAE_CHECK(x) ((void)(LIKELY(x) || (check_failed(#x, __FILE__, __LINE__), 0)))

#ifdef MAE_DEBUG
#define MAE_DCHECK(x) MAE_CHECK(x)
#else
#define MAE_DCHECK(x) ((void)sizeof(x))
#endif

#endif
