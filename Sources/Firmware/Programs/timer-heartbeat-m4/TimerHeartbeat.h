#include "Instructions.h"

void exception(void);
void timer0A(void);
