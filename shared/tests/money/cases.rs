//! What the rules come to, case by case: prices are 2,500 for a text and 9,000 for a call.
